"""Decide the next best action of every customer, and write each decision to the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml import frames
from ml.clock import scored_at
from ml.identity.retractions import note_decided
from ml.nba import explore, ledger
from ml.nba.candidates import PART, lay_out_all, valid_dates
from ml.nba.capacity import limits_of
from ml.nba.choose import choose
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.maturity import ramp
from ml.nba.model import NbaSettings, nba_settings
from ml.nba.obligation import FREE, MANDATORY, obliged, with_obliged
from ml.nba.policy import NO_ACTION
from ml.nba.serving import Serving, champions
from ml.nba.withdraw import is_last_decided, made_of_day, withdraw
from runtime import warehouse
from runtime.settings import settings as runtime_settings


@dataclass(frozen=True)
class Decided:
    """How many decisions of the day are new, and how many were withdrawn."""

    as_of: date
    new: int
    withdrawn: int

    def summary(self) -> str:
        """Say it in a line."""
        return f"{self.as_of}: {self.new} new decisions, {self.withdrawn} withdrawn"


@dataclass(frozen=True)
class Drawn:
    """The decisions of n customers without the text of their candidates, and the candidates (n * `actions`)."""

    rows: pd.DataFrame
    candidates: pd.DataFrame
    actions: int

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Yield the ledger rows of so many customers at a time: the texts of a million would not fit into memory."""
        for start in range(0, len(self.rows), size):
            rows = self.rows.iloc[start : start + size]
            candidates = self.candidates.iloc[start * self.actions : (start + size) * self.actions]
            yield rows.assign(candidates=pd.array(ledger.candidate_texts(candidates, self.actions), dtype="str"))

    def all(self) -> pd.DataFrame:
        """Return all ledger rows."""
        return next(self.parts(max(len(self.rows), 1)))


def decide(as_of: date) -> Decided:
    """Append one decision per customer with features on `as_of`.

    The ledger is append-only and a decision that was made stands, so a second run adds only customers without one. Only
    if the last decided day was built again from other facts, decisions are withdrawn and made anew (`ml.nba.withdraw`).
    Raises RegistryError without a champion, EmptyFrame if a step before has not run for `as_of`.
    """
    settings = nba_settings()
    serving = champions(settings)
    with warehouse.transaction() as connection:
        given = read_circumstances(connection, as_of)
        made = made_of_day(connection, as_of)
        missing = given.features[~given.features["customer_id"].isin(made["customer_id"])]
        is_last = is_last_decided(connection, as_of)
        if missing.empty and not is_last:
            return Decided(as_of, 0, 0)
        candidates = lay_out_all(given, serving.response, settings, serving.values)
        if not is_last:
            return Decided(as_of, _append(connection, given, candidates, made, serving, as_of, settings), 0)
        withdrawn = withdraw(connection, as_of, made, candidates)
        made["stands"] &= ~made["decision_id"].isin(withdrawn)
        new = _append(connection, given, candidates, made, serving, as_of, settings)
        note_decided(connection, as_of, again=len(withdrawn) > 0)
        return Decided(as_of, new, len(withdrawn))


def _append(
    connection: Any,
    given: Circumstances,
    candidates: pd.DataFrame,
    made: pd.DataFrame,
    serving: Serving,
    as_of: date,
    settings: NbaSettings,
) -> int:
    """Append the decisions of customers without a standing one; a later revision of a customer has an id of its own.

    They get what the standing decisions leave of the day's capacities.
    """
    standing = made[made["stands"]]
    candidates = candidates[~candidates["customer_id"].isin(standing["customer_id"])].reset_index(drop=True)
    if candidates.empty:
        return 0
    drawn = draw(given, candidates, standing["action_id"], serving, as_of, settings)
    before = made.groupby("customer_id").size()
    return sum(
        warehouse.copy_frame(connection, _numbered(rows, as_of, before), "decisions.decision_ledger")
        for rows in drawn.parts(PART)
    )


def _numbered(rows: pd.DataFrame, as_of: date, before: pd.Series) -> pd.DataFrame:
    revision = rows["customer_id"].map(before).fillna(0).astype(int)
    ids = [ledger.decision_id(who, as_of, number) for who, number in zip(rows["customer_id"], revision, strict=True)]
    return rows.assign(decision_id=ids, revision=revision)


def draw(
    given: Circumstances,
    candidates: pd.DataFrame,
    standing: pd.Series,
    serving: Serving,
    as_of: date,
    settings: NbaSettings,
) -> Drawn:
    """Return one decision per customer of `candidates` (as `lay_out` gives them): drawn and explained.

    `standing` are the actions that the day has decided for others: they have used its capacities, as has what is
    mandatory. Raises ValueError for a capacity that means nothing.
    """
    actions = given.actions["action_id"].tolist()
    if NO_ACTION not in actions:
        raise ValueError("vocabulary.actions lacks no_action, which must always be possible.")
    shape = (len(candidates) // len(actions), len(actions))
    customers = candidates["customer_id"].iloc[:: len(actions)].reset_index(drop=True)
    seed = runtime_settings().exploration_seed
    arms = np.array([explore.arm(who, as_of, settings.holdout_share, settings.random_share) for who in customers])
    numbers = np.array([explore.draw(seed, who, as_of) for who in customers])
    is_eligible = candidates["is_eligible"].to_numpy().reshape(shape)
    value = candidates["expected_net_value_eur"].to_numpy().reshape(shape)
    must = obliged(given.actions["kind"].eq(MANDATORY).to_numpy(), value, is_eligible)
    free = must == FREE
    arms = np.where(free, arms, explore.MANDATORY)
    used = np.append(pd.Index(actions).get_indexer(standing), must)
    limits = limits_of(given.capacities, given.actions)
    limits = limits.beside(ramp(given.actions, as_of, len(given.features), settings.maturity))
    limits = limits.left(used[used >= 0]).binding(is_eligible[free])
    choice = choose(
        arms[free],
        value[free],
        is_eligible[free],
        numbers[free],
        limits,
        actions.index(NO_ACTION),
        settings.gamma,
        settings.reward_scale_eur,
        settings.explored_share,
        # The bets of a later revision of the day are new ones.
        [seed, as_of.toordinal(), len(standing)],
    )
    choice = with_obliged(choice, must, numbers)
    candidates = candidates.assign(propensity=choice.probability.ravel())
    chosen = candidates.iloc[np.arange(shape[0]) * shape[1] + choice.action].reset_index(drop=True)
    intents = given.scores.iloc[0]
    valid_from, valid_until = valid_dates(as_of, settings)
    rows = pd.DataFrame(
        {
            "customer_id": customers,
            "as_of_date": as_of,
            "arm": arms,
            "facts": pd.array(ledger.fact_texts(given, customers, settings, serving.models), dtype="str"),
            "exploration": pd.array(
                ledger.exploration_texts(choice, must, given.actions, as_of, settings), dtype="str"
            ),
            "seed": seed,
            "draw": choice.number,
            "action_id": chosen["action_id"],
            "channel": chosen["channel"],
            "propensity": chosen["propensity"],
            "expected_net_value_eur": chosen["expected_net_value_eur"],
            "valid_from": valid_from,
            "valid_until": valid_until,
            "data_as_of": frames.data_as_of(chosen).dt.date,
            "policy_version": settings.policy_version,
            "model_name": serving.version.name,
            "model_version": serving.version.version,
            "intent_model_name": intents["model_name"],
            "intent_model_version": intents["model_version"],
            "scored_at": scored_at(chosen["as_of_date"]),
        }
    )
    return Drawn(rows, candidates, len(actions))
