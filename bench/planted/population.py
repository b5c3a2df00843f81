"""A population of any size that the platform decides about, day after day; what it decides is carried out next day.

The tables that `ml.nba.decide` reads are planted by set-based SQL (`population.sql`, `population_day.sql`) over the
vocabulary of Nordhaus, with capacities in proportion, a letter that takes effect on the second day (so that its ramp is
seen), and a minimum intent. A response model of XGBoost is fitted on planted answers and registered as champion.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from psycopg2 import sql

from ml import learners, registry, tracking
from ml.calibration import Calibrator
from ml.learners import ACTION
from ml.nba.model import ResponseModel, nba_settings
from runtime import bootstrap, home, postgres, warehouse
from runtime.settings import PREFIX, settings

FIRST_DAY = date(2025, 6, 2)
USUAL = 10_000  # customers for whom the capacities of Nordhaus are meant
FEATURES = ["recency_days", "baskets_84d", "spend_eur_84d", "app_sessions_28d"]
LETTER = {
    "action_id": "letter_offer", "channel": "letter", "kind": "optional", "cost_eur": 0.70,
    "response_value_eur": 20.0, "lever": 1.0,
    "response_basis": "assumed", "assumed_response": 0.12, "serves_intent": "buy", "purpose": "marketing",
    "needs_departments": "till marketing consent", "is_human": False,
    "ai_disclosure": "This offer was selected automatically.", "owner": "Campaign management",
}  # fmt: skip
OFFERS = ("newsletter_offer", "app_push_offer")
_SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
_HERE = Path(__file__).parent
_TYPES = {"b": "boolean", "i": "integer", "f": "double precision", "M": "date"}
_CARRIED_OUT = """
    insert into planted.contacts
    select customer_id, channel, as_of_date + 1 from decisions.standing_decisions
    where as_of_date = %s and action_id <> 'no_action'
"""


@contextmanager
def planted(place: Path, customers: int, days: int, offers: int = 0) -> Iterator[None]:
    """A warehouse and a registry of their own below `place`, peopled, for the block; then removed.

    `offers` is how many more learned actions there are, on e-mail and push in turn.
    """
    before = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(PREFIX)}
    os.environ |= {"CX_HOME": str(place / "home"), "CX_DATASET": "nordhaus"}
    os.environ["MLFLOW_TRACKING_URI"], here = f"sqlite:///{place}/mlflow.db", Path.cwd()
    os.chdir(place)
    given = settings()
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        people(customers, days, offers)
        promote_response_model(offers)
        yield
    finally:
        postgres.stop(given)
        home.remove(given)
        os.chdir(here)
        for name in ("CX_HOME", "CX_DATASET", "MLFLOW_TRACKING_URI"):
            del os.environ[name]
        os.environ |= before


def people(customers: int, days: int, offers: int) -> None:
    """Plant the vocabulary and everybody."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        for table, rows in vocabulary(customers, offers).items():
            _create(connection, table, rows)
        cursor.execute(_filled("population.sql", customers=customers, days=days, first_day=FIRST_DAY))
        cursor.execute("analyze")


def vocabulary(customers: int, offers: int) -> dict[str, pd.DataFrame]:
    """Return the seeds of Nordhaus with what is planted beside them, by table."""
    files = {name: name for name in ("contact_limits", "quiet_hours", "capacities", "intents")}
    files |= {"actions": "action_versions", "policies": "policy_versions"}
    seeds = {name: pd.read_csv(_SEEDS / "nordhaus" / f"{file}.csv") for name, file in files.items()}
    texts = {f"{kind}_{language}": "A letter" for kind in ("name", "reason") for language in ("en", "de")}
    letter = {**LETTER, **texts, "valid_from": FIRST_DAY + timedelta(days=1)}
    seeds["actions"] = pd.concat([seeds["actions"], pd.DataFrame([letter])], ignore_index=True)
    seeds["actions"] = pd.concat([seeds["actions"], more_offers(seeds["actions"], offers)], ignore_index=True)
    minimum = {"policy_id": "letters_to_buyers", "rule": "minimum_intent_probability", "action_id": "letter_offer",
               "parameter": "buy", "threshold": 0.2, "valid_from": FIRST_DAY}  # fmt: skip
    seeds["policies"] = pd.concat([seeds["policies"], pd.DataFrame([minimum])], ignore_index=True)
    seeds["capacities"]["maximum_per_day"] = np.ceil(seeds["capacities"]["maximum_per_day"] * customers / USUAL)
    seeds["message_intents"] = pd.read_csv(_SEEDS / "message_intents.csv")
    for rows in seeds.values():
        if "valid_from" in rows:
            rows["valid_from"] = pd.to_datetime(rows["valid_from"])
    seeds["actions"]["offered_since"] = seeds["actions"]["valid_from"]
    return {f"vocabulary.{name}": rows for name, rows in seeds.items()}


def more_offers(actions: pd.DataFrame, offers: int) -> pd.DataFrame:
    """Return so many copies of the offers by e-mail and push, in turn."""
    places = pd.Index(actions["action_id"]).get_indexer(OFFERS)[np.arange(offers) % len(OFFERS)]
    return actions.iloc[places].assign(action_id=pd.array(offer_names(offers), dtype="str"))


def offer_names(offers: int) -> list[str]:
    """Name them."""
    return [f"offer_{number:02d}" for number in range(offers)]


def come(day: date) -> None:
    """Plant what is known of everybody on `day`."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(_filled("population_day.sql", as_of=day, number=(day - FIRST_DAY).days + 1))


def carry_out(day: date) -> None:
    """Let everything that was decided on `day` be a contact of the next one."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(_CARRIED_OUT, (day,))


def promote_response_model(offers: int) -> None:
    """Fit a response model on planted answers, and make it champion."""
    chance, count = np.random.default_rng(5), 6000
    frame = pd.DataFrame({name: chance.gamma(1, 20, count).round() for name in FEATURES})
    frame[ACTION] = chance.choice([*OFFERS, *offer_names(offers)], count)
    odds = 0.02 * frame["spend_eur_84d"] - 0.03 * frame["recency_days"] - 2.2
    answered = chance.random(count) < 1 / (1 + np.exp(-odds))
    given = nba_settings()
    learner = learners.xgboost(FEATURES, {"random_state": given.seed, **given.xgboost}, with_action=True)
    inputs = ResponseModel.inputs(frame, FEATURES)
    fitted = learners.fit(learner, inputs, answered.to_numpy(dtype=int))
    model = ResponseModel("xgboost", FEATURES, fitted, Calibrator("identity").fit(np.zeros(2), np.array([0, 1])))
    tags = {"as_of": FIRST_DAY.isoformat(), "data_hash": "planted"}
    with tracking.run(given.model, tags, "planted") as run:
        info = tracking.log_model(model, frame.head(3))
    registry.set_alias(registry.register(given.model, info, run.info.run_id, tags, "planted"), registry.CHAMPION)


def _filled(name: str, **values: object) -> sql.Composable:
    return sql.SQL((_HERE / name).read_text()).format(**{key: _literal(value) for key, value in values.items()})


def _literal(value: object) -> sql.Composable:
    is_day = isinstance(value, date)
    return sql.SQL("date {}").format(sql.Literal(value.isoformat())) if is_day else sql.Literal(value)


def _create(connection, table: str, rows: pd.DataFrame) -> None:
    columns = ", ".join(f"{name} {_TYPES.get(rows[name].dtype.kind, 'text')}" for name in rows)
    with connection.cursor() as cursor:
        cursor.execute(f"create table {table} ({columns})")
    dates = {name: rows[name].dt.date for name in rows if rows[name].dtype.kind == "M"}
    warehouse.copy_frame(connection, rows.assign(**dates), table)
