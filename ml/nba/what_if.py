"""The best action for each thing that a customer may turn out to want, worked out before anybody asks.

An agent who hears on the phone what it is about picks the row; nobody waits for a model. What is heard is taken as
certain: P(intent) is 1, and with a complaint the policies hold as for any complaint that waits. Everything else, the
policies, limits and consents of the day, is as for the day's decision. The hold-out gets no action here either. Values
are those of the response model and the catalogue: net values learned from the ledger know no intent that was heard.
"""

from dataclasses import replace
from datetime import date

import pandas as pd

from ml import frames, registry
from ml.clock import scored_at
from ml.nba import explore
from ml.nba.candidates import lay_out
from ml.nba.circumstances import Circumstances, read_circumstances
from ml.nba.complaints import AGE
from ml.nba.model import NbaSettings, ResponseModel, nba_settings
from ml.nba.policy import NO_ACTION
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
        rows = actions(given, heard, registry.load(version), version, as_of, settings)
        with connection.cursor() as cursor:
            cursor.execute("delete from scores.intent_actions")
        return warehouse.copy_frame(connection, rows, "scores.intent_actions")


def actions(
    given: Circumstances,
    heard: pd.DataFrame,
    model: ResponseModel,
    version: ModelVersion,
    as_of: date,
    settings: NbaSettings,
) -> pd.DataFrame:
    """Return one row per customer and thing heard, by customer_id, kind and heard."""
    known = set(given.scores["intent"])
    # What shows no intent that is predicted here changes no value.
    heard = heard.assign(shows=heard["shows"].where(heard["shows"].isin(known), ""))
    best = {
        case: _best(_supposing(given, *case), model, as_of, settings)
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


def _best(given: Circumstances, model: ResponseModel, as_of: date, settings: NbaSettings) -> pd.DataFrame:
    rows = lay_out(given, model, settings)
    arms = {
        who: explore.arm(who, as_of, settings.holdout_share, settings.random_share)
        for who in given.features["customer_id"]
    }
    may = rows["is_eligible"] & (rows["customer_id"].map(arms).ne(explore.HOLDOUT) | rows["action_id"].eq(NO_ACTION))
    ordered = rows[may].sort_values(
        ["customer_id", "expected_net_value_eur", "action_id"], ascending=[True, False, True]
    )
    chosen = ordered.drop_duplicates("customer_id")
    return pd.DataFrame(
        {
            "customer_id": chosen["customer_id"],
            "action_id": chosen["action_id"],
            "channel": chosen["channel"],
            "expected_net_value_eur": chosen["expected_net_value_eur"],
            "response_probability": chosen["response_probability"],
            "data_as_of": frames.data_as_of(chosen).dt.date,
        }
    )
