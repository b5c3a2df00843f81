"""The loop on a planted ledger: learned, judged by days it never saw, promoted, decided by, and told why."""

from datetime import date, timedelta

import pandas as pd
import pytest
from psycopg2.extras import RealDictCursor

from ml import registry
from ml.nba import ledger, why
from ml.nba.decide import decide
from ml.nba.learn.answered import answered, window_of
from ml.nba.learn.promote import promote_net_value
from ml.nba.learn.train import train_net_value, why_too_young
from ml.nba.model import nba_settings
from ml.nba.value import DECISIONS
from ml.splits import NotEnoughHistory
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml import planted_ledger
from tests.ml.company import AS_OF, NEXT_DAY
from tests.ml.planted_ledger import BANDS, CUSTOMERS, REMINDER, SATURDAYS, WELCOME

MODEL = "cx_net_value"
SETTINGS = nba_settings()
WINDOW = window_of(AS_OF, SETTINGS.net_value)


@pytest.fixture(scope="module")
def planted(warehouse, mlflow_store):
    planted_ledger.found(SETTINGS)
    planted_ledger.promote_response_model()
    yield
    planted_ledger.close()


@pytest.fixture(scope="module")
def before(planted) -> list[dict]:
    """What is decided on AS_OF, before anybody has learned from the ledger."""
    assert promote_net_value(AS_OF) is None, "nobody waits"
    assert decide(AS_OF).new == CUSTOMERS
    return ledger_rows(AS_OF)


@pytest.fixture(scope="module")
def version(before):
    return train_net_value(AS_OF)


@pytest.fixture(scope="module")
def verdict(version):
    return promote_net_value(AS_OF)


@pytest.fixture(scope="module")
def after(verdict) -> list[dict]:
    """What is decided a day later."""
    assert decide(NEXT_DAY).new == CUSTOMERS
    return ledger_rows(NEXT_DAY)


def ledger_rows(as_of: date) -> list[dict]:
    with runtime_warehouse.transaction() as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("select * from decisions.decision_ledger where as_of_date = %s order by customer_id", (as_of,))
        return cursor.fetchall()


def history() -> pd.DataFrame:
    with runtime_warehouse.transaction() as connection:
        return runtime_warehouse.read_frame(
            connection, "select * from scores.model_history where model_name = 'cx_net_value' order by version, alias"
        )


def reminded(rows: list[dict]) -> pd.Series:
    """The share of each age band in the policy arm that is reminded."""
    frame = pd.DataFrame({"band": BANDS, "arm": [row["arm"] for row in rows]})
    frame["is_reminded"] = [row["action_id"] == REMINDER for row in rows]
    return frame[frame["arm"] == "policy"].groupby("band")["is_reminded"].mean()


def test_a_young_ledger_is_left_alone_and_says_why(planted):
    young = SATURDAYS[4]
    reason = why_too_young(young)
    assert reason.startswith("The ledger is too young: 0 answered decisions up to ") and "5000 are needed" in reason
    with pytest.raises(NotEnoughHistory, match="keep the values of the response model"):
        train_net_value(young)
    assert why_too_young(AS_OF) == ""


def test_nothing_it_learned_reaches_into_the_log_that_judges_it(version):
    days = {name: date.fromisoformat(version.tags[name]) for name in ("learned_to", "outcomes_until", "log_from")}
    assert days["learned_to"] + timedelta(days=14) == days["outcomes_until"] < days["log_from"]
    assert date.fromisoformat(version.tags["log_until"]) + timedelta(days=14) == AS_OF
    with runtime_warehouse.transaction() as connection:
        seen = answered(connection, AS_OF, WINDOW.learned_from, WINDOW.learned_to, SETTINGS.net_value)
        late = answered(connection, SATURDAYS[5], WINDOW.learned_from, WINDOW.learned_to, SETTINGS.net_value)
    assert seen["decided_date"].max() <= pd.Timestamp(WINDOW.learned_to) and "holdout" not in set(seen["arm"])
    assert (seen["as_of_date"] <= seen["decided_date"]).all()
    assert late["spend_eur"].sum() < seen["spend_eur"].sum(), "what was not known by then does not count"


def test_a_purchase_in_the_window_counts_and_none_outside(planted):
    with runtime_warehouse.transaction() as connection:
        seen = answered(connection, AS_OF, SATURDAYS[0], SATURDAYS[0], SETTINGS.net_value)
        bought = runtime_warehouse.read_frame(
            connection, "select * from marts.customer_days where sold_date > %s and sold_date <= %s", SATURDAYS[0:3:2]
        )
    expected = bought.groupby("customer_id")["spend_eur"].sum().reindex(seen["customer_id"]).fillna(0)
    assert seen["spend_eur"].to_numpy() == pytest.approx(expected.to_numpy())


def test_it_foretells_what_the_action_adds_and_tells_what_happened_beside(version):
    figures = registry.metrics(version)
    assert figures[f"calibration/{REMINDER}/foretold_response"] == pytest.approx(
        figures[f"calibration/{REMINDER}/happened_response"], abs=0.05
    )
    assert figures["response/net_value/log_loss"] < figures["response/without_action/log_loss"]
    values = registry.load(version)
    assert "adviser_call" not in values.known, "it was hardly ever drawn"
    customers = planted_ledger.features(AS_OF)
    added = values.foretell(customers)[0][:, values.actions.index(REMINDER)]
    # Who would have bought in the second week of the window anyway answers nothing. Bands are shrunk to each other.
    answers, pays_from = WELCOME[1] * (1 - planted_ledger.USUALLY), 0.25 / 12
    assert 2 * pays_from < added[BANDS == 2].mean() < answers + 0.06  # noqa: SIM300
    assert 2 * pays_from < added[BANDS == 1].mean() < answers + 0.06  # noqa: SIM300
    assert added[BANDS == 3].mean() < pays_from
    for coupon in planted_ledger.TWINS:
        assert values.foretell(customers)[0][:, values.actions.index(coupon)].mean() < 0.05, coupon


def test_training_again_gives_the_same_version(version):
    assert train_net_value(AS_OF).version == version.version == "1"


def test_it_is_promoted_by_the_log_of_later_days_and_the_reason_stands_everywhere(version, verdict):
    from mlflow import MlflowClient

    assert verdict.is_promoted and verdict.reason.startswith("promoted: gain per decision [")
    assert verdict.evidence["tried"] == 1 and verdict.evidence["gain_low"] > 0
    run = MlflowClient().get_run(version.run_id).data
    assert run.tags["verdict"] == "promoted" and run.tags["verdict_reason"] == verdict.reason
    assert run.metrics["judge/gain_low"] == verdict.evidence["gain_low"]
    assert registry.champion(MODEL).version == version.version
    lines = history().set_index("alias")["reason"]
    assert lines["champion"] == verdict.reason and "challenger" in lines


def test_what_is_decided_follows_what_pays(before, after):
    for band, truth in WELCOME.items():
        assert reminded(before)[band] < 0.3
        assert (reminded(after)[band] > 0.7) == (truth > 0), band


def test_every_decision_tells_whose_word_it_is_and_can_be_replayed(after):
    for row in after[::20]:
        assert (row["model_name"], row["model_version"]) == (MODEL, "1")
        assert row["facts"]["models"] == {"learned": "cx_response/1", "decisions": "cx_net_value/1"}
        by_action = {candidate["action_id"]: candidate for candidate in row["candidates"]}
        assert by_action[REMINDER]["basis"] == DECISIONS and by_action["adviser_call"]["basis"] == "assumed"
        for one in row["candidates"]:
            worth = one["response_probability"] * one["response_value_eur"] - one["cost_eur"]
            assert one["expected_net_value_eur"] == pytest.approx(worth - one["expected_harm_eur"], abs=5.1e-5)
        arm, action, probability = ledger.replay(row)
        assert (arm, action) == (row["arm"], row["action_id"])
        assert probability == {one["action_id"]: one["propensity"] for one in row["candidates"]}
        assert all(answer.en.endswith(".") and answer.de.endswith(".") for answer in why.explain(row))


def test_doing_all_of_it_again_changes_nothing(after, version):
    tables = checksums(["decisions", "scores"])
    assert train_net_value(AS_OF).version == version.version
    assert promote_net_value(AS_OF) is None
    assert decide(NEXT_DAY).new == decide(AS_OF).new == 0
    assert checksums(["decisions", "scores"]) == tables
