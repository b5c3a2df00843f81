"""A company whose ledger hides one truth: a reminder makes two age bands buy, and drives the third away.

Everybody is decided about each Saturday by the platform's own code; nothing else that is done changes anything. Three
coupons cost and bring the same, so that who prefers one of them deserves no promotion.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml import registry, tracking
from ml.calibration import Calibrator
from ml.learners import ACTION, ActionBaseRate
from ml.nba import ledger
from ml.nba.candidates import lay_out
from ml.nba.circumstances import Circumstances
from ml.nba.complaints import AGE
from ml.nba.decide import draw
from ml.nba.model import NbaSettings, ResponseModel
from ml.nba.policy import TAKEN_DAYS
from ml.nba.serving import Serving
from ml.nba.versions import in_force
from ml.registry import ModelVersion
from runtime import warehouse as runtime_warehouse
from tests.ml.company import AS_OF, NEXT_DAY, NO_CONSENTS, SEEDS, create, nobody_writes
from tests.ml.company import close as close_company

CUSTOMERS = 2400
# As of AS_OF: eleven to learn from, none whose outcomes would reach into the log, and two of the log.
SATURDAYS = [
    *(day.date() for day in pd.date_range("2017-09-02", "2017-11-11", freq="7D")),
    *(date(2017, 12, 2), date(2017, 12, 9)),
]
WEEKS = [day.date() for day in pd.date_range("2017-08-05", "2017-12-23", freq="7D")]
DAYS = [*WEEKS, AS_OF, NEXT_DAY]
BANDS = np.arange(CUSTOMERS) % 3 + 1
WELCOME = {1: 0.30, 2: 0.30, 3: -0.30}  # what a reminder adds to the probability of a purchase, by age band
USUALLY, BASKET_EUR = 0.4, 40.0
REMINDER, CALL = "reminder_message", "adviser_call"
TWINS = ["coupon_campaign_a", "coupon_campaign_b", "coupon_campaign_c"]
ANSWERED = 0.08  # what the response model believes of every coupon: worth about what it costs
TABLES = ("decisions.outcomes", "marts.customer_days", "marts.message_meanings", "vocabulary.outcome_values")
_WHO = np.array([f"customer-{number:05d}" for number in range(CUSTOMERS)])


def found(settings: NbaSettings) -> None:
    """Make the tables and decide for every Saturday; each decision is followed by what the truth makes of it."""
    random, given = np.random.default_rng(3), circumstances(SATURDAYS[0])
    serving = Serving(response_model(), None, ModelVersion("cx_response", "0", "", {}), {"learned": "cx_response/0"})
    made, bought = [], []
    for day in WEEKS:
        if day not in SATURDAYS:
            bought.append(purchases(day, np.full(CUSTOMERS, "no_action"), random))
            continue
        given = replace(given, features=features(day))
        candidates = lay_out(given, serving.response, settings)
        rows = draw(given, candidates, pd.Series([], dtype=str), serving, day, settings).all()
        ids = [ledger.decision_id(who, day) for who in rows["customer_id"]]
        made.append(rows.assign(decision_id=ids, revision=0))
        bought.append(purchases(day, rows["action_id"].to_numpy(), random))
    made = pd.concat(made, ignore_index=True)
    with runtime_warehouse.transaction() as connection:
        close_company(connection)
        create(connection, "features.customer_features", pd.concat([features(day) for day in DAYS], ignore_index=True))
        create(connection, "marts.customer_days", pd.concat(bought, ignore_index=True))
        create(connection, "decisions.outcomes", made[["decision_id", "customer_id"]])
        create(connection, "marts.consents", given.consents)
        said = {"customer_id": str, "is_complaint": bool, "sent_date": "datetime64[s]", "known_date": "datetime64[s]"}
        create(connection, "marts.message_meanings", pd.DataFrame(columns=list(said)).astype(said))
        contacts = pd.concat([given.contacts.assign(as_of_date=pd.Timestamp(day)) for day in (AS_OF, NEXT_DAY)])
        create(connection, "marts.contact_pressure", contacts)
        for name in ("actions", "policies", "limits", "capacities"):
            table = "contact_limits" if name == "limits" else name
            create(connection, f"vocabulary.{table}", getattr(given, name))
        worth = pd.read_csv(SEEDS.parent / "outcome_values.csv")
        create(connection, "vocabulary.outcome_values", worth)
        create(connection, "vocabulary.message_intents", pd.read_csv(SEEDS.parent / "message_intents.csv"))
        nobody_writes(connection)
        for day in (AS_OF, NEXT_DAY):
            scores = given.scores.assign(as_of_date=day, is_top=False, abstained=False, data_as_of=day, base_rate=0.4)
            scores = scores.assign(scored_at=pd.Timestamp(day, tz="UTC"))
            runtime_warehouse.copy_frame(connection, scores, "scores.intent_scores")
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into quality.department_status (department, as_of, data_as_of, status)"
                " select d, a, a, 'fresh' from unnest(array['till', 'crm', 'marketing']) d, unnest(%s::date[]) a",
                ([AS_OF, NEXT_DAY],),
            )
        runtime_warehouse.copy_frame(connection, made, "decisions.decision_ledger")
        with connection.cursor() as cursor:
            cursor.execute("analyze")  # as autovacuum would have done on the days between


def close() -> None:
    """Drop what `found` made."""
    with runtime_warehouse.transaction() as connection:
        close_company(connection)
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"drop table if exists {table}")


def features(day: date) -> pd.DataFrame:
    """What is known of everybody on `day`."""
    random = np.random.default_rng(day.toordinal())
    return pd.DataFrame(
        {
            "customer_id": _WHO,
            "as_of_date": pd.Timestamp(day),
            "age_band_ordinal": BANDS,
            "taste": random.normal(size=CUSTOMERS),
            "recency_days": random.integers(0, 60, CUSTOMERS),
            "baskets_84d": random.integers(1, 12, CUSTOMERS),
            "till_data_age_days": 0,
        }
    ).assign(spend_eur_84d=lambda of: of["baskets_84d"] * BASKET_EUR * random.uniform(0.99, 1.01, CUSTOMERS))


def purchases(day: date, action: np.ndarray, random: np.random.Generator) -> pd.DataFrame:
    """What everybody buys in the week after `day`: a basket on one day, or nothing."""
    added = np.where(action == REMINDER, pd.Series(BANDS).map(WELCOME).to_numpy(), 0.0)
    buys = random.random(CUSTOMERS) < USUALLY + added
    sold = pd.to_datetime([day + timedelta(days=int(after)) for after in random.integers(1, 7, buys.sum())])
    spent = BASKET_EUR * random.gamma(4, 0.25, buys.sum())
    return pd.DataFrame({"customer_id": _WHO[buys], "sold_date": sold, "known_date": sold, "spend_eur": spent})


def circumstances(day: date) -> Circumstances:
    """The real vocabulary, with coupons that cost the same, everything allowed, and nothing short."""
    actions = in_force(pd.read_csv(SEEDS / "action_versions.csv"), "action_id", day)
    coupons = actions["action_id"].isin(TWINS)
    actions.loc[coupons, ["cost_eur", "response_value_eur"]] = [0.55, 7.0]
    # Worth almost as much as a coupon, so that it was tried often.
    actions.loc[actions["action_id"] == REMINDER, "response_value_eur"] = 10.0
    policies = pd.read_csv(SEEDS / "policy_versions.csv", parse_dates=["valid_until"]).astype({"threshold": float})
    policies = in_force(policies, "policy_id", day)
    capacities = pd.read_csv(SEEDS / "capacities.csv").iloc[:0]
    intents = pd.read_csv(SEEDS / "intents.csv")["intent_id"].tolist()
    scores = pd.DataFrame({"customer_id": np.repeat(_WHO, len(intents)), "intent": np.tile(intents, CUSTOMERS)})
    channels = [channel for channel in actions["channel"].unique() if channel != "none"]
    contacts = pd.DataFrame(
        {"customer_id": np.repeat(_WHO, len(channels)), "channel": np.tile(channels, CUSTOMERS)}
    ).assign(contacts_7d=0, contacts_28d=0)
    return Circumstances(
        features=features(day),
        scores=scores.assign(probability=0.4, model_name="cx_intent", model_version="1"),
        contacts=contacts,
        consents=NO_CONSENTS.assign(changed_date=pd.Series([], dtype="datetime64[s]")),
        complaints=pd.DataFrame({"customer_id": pd.Series([], dtype=str), AGE: pd.Series([], dtype=int)}),
        taken=pd.DataFrame({"customer_id": [], "action_id": [], TAKEN_DAYS: []}, dtype=str),
        actions=actions.sort_values("action_id", ignore_index=True),
        policies=policies[policies["rule"] == "consent_not_required"],
        limits=pd.read_csv(SEEDS / "contact_limits.csv"),
        capacities=capacities.assign(valid_from=pd.to_datetime(capacities["valid_from"])),
        departments={"till": "fresh", "crm": "fresh", "marketing": "fresh"},
        silent_days={},
    )


def response_model() -> ResponseModel:
    """A response model to which all coupons are alike."""
    contacts = pd.DataFrame({ACTION: TWINS * 100})
    answers = np.arange(300) < 300 * ANSWERED
    learner = ActionBaseRate(prior_contacts=1e9).fit(contacts, pd.Series(answers))
    return ResponseModel("action_base_rate", [], learner, Calibrator("identity").fit(np.zeros(2), np.array([0, 1])))


def promote_response_model() -> None:
    """Register it as champion, so that there is somebody to decide by."""
    example = pd.DataFrame({ACTION: TWINS})
    tags = {"as_of": AS_OF.isoformat(), "data_hash": "planted"}
    with tracking.run("cx_response", tags, "planted") as run:
        info = tracking.log_model(response_model(), example)
    registry.set_alias(registry.register("cx_response", info, run.info.run_id, tags, "planted"), registry.CHAMPION)
