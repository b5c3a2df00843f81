"""The best action for each thing that a customer may turn out to want, worked out before anybody asks.

An agent who hears on the phone what it is about picks the row; nobody waits for a model. What is heard is taken as
certain: P(intent) is 1, and with a complaint the policies hold as for any complaint that waits. Everything else, the
policies, limits and consents of the day, is as for the day's decision. The hold-out gets no action here either. Values
are those of the response model and the catalogue: net values learned from the ledger know no intent that was heard.

What the day's decisions have used up is not promised: of each capacity and budget there is what they left, and for a
customer what its own decision would set free. Callers share what is left, so each row says how often it can be done.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from ml import frames, registry
from ml.clock import scored_at
from ml.nba import explore
from ml.nba.candidates import lay_out
from ml.nba.capacity import limits_of
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.complaints import AGE
from ml.nba.model import NbaSettings, ResponseModel, nba_settings
from ml.nba.obligation import MANDATORY
from ml.nba.policy import NO_ACTION
from ml.nba.withdraw import made_of_day
from ml.registry import ModelVersion
from runtime import warehouse

# What may be heard: an intent of behaviour, or one of a message with the intent of behaviour that it shows.
_HEARD = """
    select intent_id as heard, 'behaviour' as kind, intent_id as shows, false as is_complaint from vocabulary.intents
    union all
    select intent_id, 'message', shows_intent, is_complaint from vocabulary.message_intents
    order by kind, heard
"""


def foresee_actions(as_of: date) -> int:
    """Replace scores.intent_actions by the actions of `as_of`, and return their number.

    One day is kept: older ones are told by the ledger. Raises RegistryError without a champion, EmptyFrame if a step
    before has not run for `as_of`.
    """
    settings = nba_settings()
    version = registry.champion(settings.model)
    with warehouse.transaction() as connection:
        given = read_circumstances(connection, as_of)
        heard = warehouse.read_frame(connection, _HEARD)
        made = made_of_day(connection, as_of)
        decided = made[made["stands"]].set_index("customer_id")["action_id"]
        rows = actions(given, heard, decided, registry.load(version), version, as_of, settings)
        with connection.cursor() as cursor:
            cursor.execute("delete from scores.intent_actions")
        return warehouse.copy_frame(connection, rows, "scores.intent_actions")


def actions(
    given: Circumstances,
    heard: pd.DataFrame,
    decided: pd.Series,
    model: ResponseModel,
    version: ModelVersion,
    as_of: date,
    settings: NbaSettings,
) -> pd.DataFrame:
    """Return one row per customer and thing heard, by customer_id, kind and heard.

    `decided` is the action that the day has decided on, by customer.
    """
    left = executions_left(given, decided)
    known = set(given.scores["intent"])
    # What shows no intent that is predicted here changes no value.
    heard = heard.assign(shows=heard["shows"].where(heard["shows"].isin(known), ""))
    best = {
        case: _best(_supposing(given, *case), left, model, as_of, settings)
        for case in set(zip(heard["shows"], heard["is_complaint"].astype(bool), strict=True))
    }
    parts = [
        best[row.shows, bool(row.is_complaint)].assign(kind=row.kind, intent=row.heard) for row in heard.itertuples()
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows["as_of_date"], rows["policy_version"] = as_of, settings.policy_version
    rows["model_name"], rows["model_version"] = version.name, version.version
    rows["scored_at"] = scored_at(pd.to_datetime(rows["as_of_date"]))
    return rows.sort_values(["customer_id", "kind", "intent"], ignore_index=True)


def _supposing(given: Circumstances, shows: str, is_complaint: bool) -> Circumstances:
    """The circumstances if everybody wanted `shows` for certain, or had just complained."""
    certain = given.scores["probability"].where(given.scores["intent"] != shows, 1.0)
    complaints = given.complaints
    if is_complaint:
        complaints = pd.DataFrame({"customer_id": given.features["customer_id"], AGE: 0})
    return replace(given, scores=given.scores.assign(probability=certain), complaints=complaints)


def executions_left(given: Circumstances, decided: pd.Series) -> pd.DataFrame:
    """Return how often each action can still be done today, by customer_id and action_id: infinity without a limit.

    `decided` (by customer) has used the day's limits; a customer who gets something else sets its own share free.
    """
    names = pd.Index(given.actions["action_id"])
    limits = limits_of(given.capacities, given.actions)
    customers = given.features["customer_id"].to_numpy()
    own = names.get_indexer(pd.Series(customers).map(decided).fillna(NO_ACTION))
    used = names.get_indexer(decided)
    room = limits.left(used[used >= 0]).maximum + limits.usage[own]
    left = np.full((len(customers), len(names)), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for limit, usage in enumerate(limits.usage.T):
            # A tenth of a cent more than a multiple is that multiple, as in capacity.py.
            possible = np.floor(room[:, [limit]] / usage + 1e-9)
            left = np.where(usage > 0, np.minimum(left, possible), left)
    return pd.DataFrame(left, index=pd.Index(customers, name="customer_id"), columns=names)


def _best(
    given: Circumstances, left: pd.DataFrame, model: ResponseModel, as_of: date, settings: NbaSettings
) -> pd.DataFrame:
    rows = lay_out(given, model, settings)
    arms = {
        who: explore.arm(who, as_of, settings.holdout_share, settings.random_share)
        for who in given.features["customer_id"]
    }
    places = left.index.get_indexer(rows["customer_id"]), left.columns.get_indexer(rows["action_id"])
    rows["executions_left"] = left.to_numpy()[places]
    rows["must"] = rows["kind"] == MANDATORY
    held_out = rows["customer_id"].map(arms).eq(explore.HOLDOUT)
    may = rows["is_eligible"] & (~held_out | rows["action_id"].eq(NO_ACTION) | rows["must"])
    ordered = rows[may & (rows["must"] | (rows["executions_left"] >= 1))].sort_values(
        ["customer_id", "must", "expected_net_value_eur", "action_id"], ascending=[True, False, False, True]
    )
    chosen = ordered.drop_duplicates("customer_id")
    is_limited = np.isfinite(chosen["executions_left"])
    return pd.DataFrame(
        {
            "customer_id": chosen["customer_id"],
            "action_id": chosen["action_id"],
            "channel": chosen["channel"],
            "expected_net_value_eur": chosen["expected_net_value_eur"],
            "response_probability": chosen["response_probability"],
            "data_as_of": frames.data_as_of(chosen).dt.date,
            "executions_left": chosen["executions_left"].where(is_limited).astype("Int64"),
        }
    )
