"""What a challenger would have decided on logged days, beside what was decided: the two policies that are compared."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.nba import explore
from ml.nba.capacity import limits_of
from ml.nba.learn.values import LearnedValues
from ml.nba.maturity import ramp
from ml.nba.model import NbaSettings
from ml.nba.policy import NO_ACTION
from ml.nba.ration import ration
from ml.nba.versions import in_force
from runtime import warehouse


@dataclass(frozen=True)
class Logged:
    """n decisions among k actions: `rows` as `answered` gives them, and what the ledger says of every candidate.

    `is_eligible`, `value_eur` and `propensity` are (n, k), columns as the `actions` of the vocabulary. `share` is how
    much of what was decided on these days they are: that much of the capacities is theirs.
    """

    rows: pd.DataFrame
    actions: pd.DataFrame
    is_eligible: np.ndarray
    value_eur: np.ndarray
    propensity: np.ndarray
    share: float


def logged(rows: pd.DataFrame, candidates: pd.DataFrame, actions: pd.DataFrame) -> Logged:
    """Lay out the candidates of the decisions; one that could draw what the vocabulary no longer has is left out."""
    names = pd.Index(actions["action_id"])
    gone = candidates["is_eligible"] & ~candidates["action_id"].isin(names)
    rows = rows[~rows["decision_id"].isin(candidates.loc[gone, "decision_id"])].reset_index(drop=True)
    row = pd.Index(rows["decision_id"]).get_indexer(candidates["decision_id"])
    column = names.get_indexer(candidates["action_id"])
    known = (row >= 0) & (column >= 0)
    shape = (len(rows), len(names))

    def laid(name: str, usual: Any) -> np.ndarray:
        found = np.full(shape, usual)
        found[row[known], column[known]] = candidates.loc[known, name].to_numpy()
        return found

    return Logged(
        rows,
        actions,
        laid("is_eligible", False),
        laid("expected_net_value_eur", 0.0),
        laid("propensity", 0.0),
        share=len(rows) / max(candidates["decision_id"].nunique(), 1),
    )


def values_of(log: Logged, values: LearnedValues) -> np.ndarray:
    """Return the net values in EUR (n, k) with the challenger's in place of the ledger's, for the actions it knows."""
    response, worth, harm = values.foretell(log.rows)
    found = log.value_eur.copy()
    for place, action in enumerate(log.actions["action_id"]):
        if action in values.known:
            column = values.actions.index(action)
            cost = float(log.actions["cost_eur"].iloc[place])
            lever = float(log.actions["lever"].iloc[place])
            found[:, place] = response[:, column] * worth[:, column] * lever - harm[:, column] - cost
    return found.round(4)


def policy_of(log: Logged, value_eur: np.ndarray, capacities: pd.DataFrame, settings: NbaSettings) -> np.ndarray:
    """Return the probabilities (n, k) with which these values would have been decided on each logged day.

    SquareCB, under the capacities of the day, for all arms that are there: they use the capacities together.
    """
    names = log.actions["action_id"].tolist()
    default, scale = names.index(NO_ACTION), (settings.gamma, settings.reward_scale_eur)
    arms, days = log.rows["arm"].to_numpy(), log.rows["decided_date"].to_numpy()
    found = np.zeros_like(value_eur)
    for day in np.unique(days):
        of_day = days == day
        given = arms[of_day], value_eur[of_day], log.is_eligible[of_day]
        limits = limits_of(in_force(capacities, "capacity_id", pd.Timestamp(day).date()), log.actions)
        everybody = round(of_day.sum() / max(log.share, 1e-9))
        limits = limits.beside(ramp(log.actions, pd.Timestamp(day).date(), everybody, settings.maturity))
        limits = replace(limits, maximum=limits.maximum * log.share).binding(log.is_eligible[of_day])
        if limits:
            found[of_day] = ration(*given, limits, default, *scale, settings.explored_share).probability
        else:
            found[of_day] = explore.propensities(*given, default, *scale)
    return found


def read_capacities(connection: Any, until: date) -> pd.DataFrame:
    """Return every version of the capacities that was valid on some day up to `until`."""
    query = "select * from vocabulary.capacities where valid_from <= %(until)s order by capacity_id, valid_from"
    return warehouse.read_frame(connection, query, {"until": until})


def groups_of(rows: pd.DataFrame, features: list[str]) -> dict[str, np.ndarray]:
    """Return by feature the group (n) of each decision: the value if there are few, else the third it lies in.

    A feature that the company lacks makes no groups.
    """
    found = {}
    for name in features:
        if name not in rows or rows[name].nunique() < 2:
            continue
        values = rows[name].astype(float)
        if values.nunique() <= _FEW:
            group = values.map("{:g}".format)
        else:
            group = pd.qcut(values.rank(method="first"), 3, labels=["low", "middle", "high"]).astype("string")
        found[name] = group.where(values.notna(), "unknown").fillna("unknown").to_numpy(dtype=str)
    return found


_FEW = 7  # values of a feature that is an ordinal, as an age band
