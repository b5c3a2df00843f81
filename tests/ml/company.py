"""A small company in the shape of the warehouse: features, labels and contacts whose truth is known.

Each customer has a `taste` that drives every label and that recency and frequency only hint at, so that a learner
which uses all features must beat the recency-frequency baseline. The vocabularies are the real seeds.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.nba.versions import in_force
from runtime import warehouse as runtime_warehouse

AS_OF = date(2017, 12, 28)
NEXT_DAY = AS_OF + timedelta(days=1)
CUSTOMERS = 240
INTENTS = ("explore_department", "lapse", "redeem_offer", "trade_up")
HORIZON_DAYS = 28
SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds" / "complete_journey"
TABLES = (
    "features.customer_features",
    "features.intent_labels",
    "features.campaign_responses",
    "marts.campaigns",
    "marts.contact_pressure",
    "marts.consents",
    "marts.case_messages",
    "marts.case_versions",
    "marts.survey_answers",
    "vocabulary.actions",
    "vocabulary.policies",
    "vocabulary.contact_limits",
    "vocabulary.capacities",
    "vocabulary.quiet_hours",
    "vocabulary.intents",
    "vocabulary.message_intents",
    "vocabulary.feature_words",
)
_TYPES = {"b": "boolean", "i": "integer", "f": "double precision", "M": "date"}

# As dbt makes it for a company without a consent department.
NO_CONSENTS = pd.DataFrame(
    {"customer_id": [], "purpose": [], "channel": [], "is_granted": [], "changed_at": [], "known_date": []}, dtype=str
).astype({"is_granted": bool, "known_date": "datetime64[s]"})
# As dbt makes them for a company without a contact centre: nobody writes.
NO_WORDS = {
    "marts.case_messages": ("message_id", "ticket_id", "customer_id", "direction", "sent_at"),
    "marts.case_versions": ("ticket_id",),
    "marts.survey_answers": ("answer_id", "customer_id"),
}
_DAYS = {
    "marts.case_messages": ("sent_date", "known_date"),
    "marts.case_versions": ("valid_from", "valid_until"),
    "marts.survey_answers": ("answered_date", "known_date"),
}


def found(connection) -> None:
    """Create every table of the company, in place of what stood there."""
    random = np.random.default_rng(7)
    features = _features(random)
    create(connection, "features.customer_features", features)
    create(connection, "features.intent_labels", _labels(features, random))
    responses, campaigns = _responses(features, random)
    create(connection, "features.campaign_responses", responses)
    create(connection, "marts.campaigns", campaigns)
    create(connection, "marts.contact_pressure", _contact_pressure())
    create(connection, "marts.consents", NO_CONSENTS)
    nobody_writes(connection)
    for name in ("message_intents", "feature_words"):
        create(connection, f"vocabulary.{name}", pd.read_csv(SEEDS.parent / f"{name}.csv"))
    create(connection, "vocabulary.actions", in_force(pd.read_csv(SEEDS / "action_versions.csv"), "action_id", AS_OF))
    policies = pd.read_csv(SEEDS / "policy_versions.csv", parse_dates=["valid_until"])
    create(connection, "vocabulary.policies", in_force(policies, "policy_id", AS_OF))
    for name in ("contact_limits", "capacities", "intents"):
        seed = pd.read_csv(SEEDS / f"{name}.csv")
        if "valid_from" in seed:
            seed["valid_from"] = pd.to_datetime(seed["valid_from"])
        create(connection, f"vocabulary.{name}", seed)
    # Without a row, so that no test depends on the hour at which it runs; those of quiet hours fill it.
    quiet = pd.read_csv(SEEDS / "quiet_hours.csv", dtype=str, parse_dates=["valid_from"])
    create(connection, "vocabulary.quiet_hours", quiet.head(0))
    with connection.cursor() as cursor:
        cursor.execute("delete from quality.department_status")
        cursor.execute(
            "insert into quality.department_status (department, as_of, data_as_of, status)"
            " select d, a, a, 'fresh' from unnest(array['till', 'crm', 'marketing']) d, unnest(%s::date[]) a",
            ([AS_OF, NEXT_DAY],),
        )


def nobody_writes(connection) -> None:
    """Create the tables of the contact centre, empty."""
    for table, texts in NO_WORDS.items():
        columns = {name: pd.Series([], dtype=str) for name in texts}
        days = {name: pd.Series([], dtype="datetime64[s]") for name in _DAYS[table]}
        flags = {"is_open": pd.Series([], dtype=bool)} if table == "marts.case_versions" else {}
        create(connection, table, pd.DataFrame({**columns, **days, **flags}))


def close(connection) -> None:
    """Drop every table of the company and forget its decisions, so that the next test file starts afresh."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"drop table if exists {table}")
        append_only = ["decisions.decision_ledger", "decisions.withdrawn_decisions", "scores.model_history"]
        for table in append_only:
            cursor.execute(f"alter table {table} disable trigger user")
        cursor.execute(f"truncate {', '.join(append_only)}, scores.intent_scores, scores.intent_actions")
        cursor.execute(
            "truncate activation.intent_scores, activation.next_best_actions, activation.intent_actions,"
            " activation.publications"
        )
        cursor.execute("truncate quality.department_status, quality.gate_results, quality.model_drift")
        cursor.execute("truncate scores.training_batches")
        for table in append_only:
            cursor.execute(f"alter table {table} enable trigger user")


def create(connection, table: str, frame: pd.DataFrame) -> None:
    """Create `table` with the columns of `frame` and fill it."""
    columns = ", ".join(f"{name} {_TYPES.get(frame[name].dtype.kind, 'text')}" for name in frame)
    dates = {name: frame[name].dt.date for name in frame if frame[name].dtype.kind == "M"}
    with connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {table}")
        cursor.execute(f"create table {table} ({columns})")
    runtime_warehouse.copy_frame(connection, frame.assign(**dates), table)


def _features(random: np.random.Generator) -> pd.DataFrame:
    saturdays = pd.date_range("2017-04-01", "2017-12-23", freq="7D")
    days = saturdays.append(pd.DatetimeIndex([AS_OF, NEXT_DAY]))
    taste = np.tile(random.normal(size=CUSTOMERS), len(days))
    rows = len(taste)
    knows = np.tile(random.random(CUSTOMERS) < 0.4, len(days))
    mood = 0.8 * taste + 0.6 * random.normal(size=rows)
    return pd.DataFrame(
        {
            "customer_id": np.tile([f"customer-{number:04d}" for number in range(CUSTOMERS)], len(days)),
            "as_of_date": np.repeat(days, CUSTOMERS),
            "taste": mood,
            "recency_days": np.round(np.exp(2 - 0.2 * mood + random.normal(size=rows))),
            "baskets_84d": np.round(np.exp(2 + 0.2 * mood + 0.8 * random.normal(size=rows))),
            "spend_eur_84d": np.round(np.exp(5 + 0.3 * mood + 0.5 * random.normal(size=rows)), 2),
            "overdue_ratio_168d": np.round(np.exp(0.5 * random.normal(size=rows) - 0.3 * mood), 3),
            "redemptions_total": random.poisson(1, size=rows),
            "redemption_recency_days": np.where(random.random(rows) < 0.5, np.nan, random.integers(0, 200, size=rows)),
            "has_demographics": knows.astype(int),
            "till_data_age_days": 0,
            "crm_data_age_days": 5,
            "marketing_data_age_days": 1,
        }
    )


def _labels(features: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    complete = features[features["as_of_date"] <= pd.Timestamp(AS_OF) - pd.Timedelta(days=HORIZON_DAYS)]
    parts = []
    for intent, direction, offset in zip(INTENTS, (1, -1, 1, 1), (0, -1, -1.5, -0.5), strict=True):
        chance = 1 / (1 + np.exp(-(offset + 2 * direction * complete["taste"])))
        part = complete[["customer_id", "as_of_date"]].assign(intent=intent, horizon_days=HORIZON_DAYS)
        parts.append(part.assign(label=(random.random(len(part)) < chance).astype(int)))
    return pd.concat(parts, ignore_index=True)


def _responses(features: pd.DataFrame, random: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    starts = pd.date_range("2017-04-10", periods=18, freq="14D")
    campaigns = pd.DataFrame(
        {"campaign_id": [str(n) for n in range(18)], "starts_date": starts, "ends_date": starts + pd.Timedelta(days=28)}
    )
    parts = []
    for number, campaign in enumerate(campaigns.itertuples()):
        snapshot = features["as_of_date"][features["as_of_date"] < campaign.starts_date].max()
        part = features[(features["as_of_date"] == snapshot) & (random.random(len(features)) < 0.7)]
        chance = 1 / (1 + np.exp(-(-1.5 + 0.5 * (number % 3) + 1.5 * part["taste"])))
        parts.append(
            part[["customer_id", "as_of_date"]].assign(
                campaign_id=campaign.campaign_id,
                action_id=f"coupon_campaign_{'abc'[number % 3]}",
                responded=(random.random(len(part)) < chance).astype(int),
                is_observed=campaign.ends_date <= pd.Timestamp(AS_OF),
                starts_date=campaign.starts_date,
                ends_date=campaign.ends_date,
            )
        )
    return pd.concat(parts, ignore_index=True), campaigns


def _contact_pressure() -> pd.DataFrame:
    """Every tenth customer got a mail this week, every ninth three in four weeks."""
    number = np.arange(CUSTOMERS)
    parts = []
    for day in (AS_OF, NEXT_DAY):
        for channel in ("mail", "app_message", "phone"):
            mailed = channel == "mail"
            parts.append(
                pd.DataFrame(
                    {
                        "customer_id": [f"customer-{n:04d}" for n in number],
                        "as_of_date": pd.Timestamp(day),
                        "channel": channel,
                        "contacts_7d": np.where(mailed & (number % 10 == 0), 1, 0),
                        "contacts_28d": np.where(mailed & (number % 9 == 0), 3, np.where(number % 10 == 0, 1, 0)),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
