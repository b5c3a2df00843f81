"""A champion that nothing happened to is stable; a planted shift is named, and makes the next training due."""

import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from ml import registry
from ml.drift.baseline import ARTIFACT, Baseline, baseline_of
from ml.drift.calibration import calibration
from ml.drift.samples import Sample
from ml.drift.settings import drift_settings
from ml.drift.stability import Bins, population_stability_index
from ml.drift.watch import DRIFTED, STABLE, seen, watch_drift
from ml.due import is_due, why_due
from ml.intent.promote import promote_intent
from ml.intent.train import train_intent
from ml.nba.promote import promote_response
from ml.nba.train import train_response
from ml.registry import ModelVersion
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml.company import AS_OF, INTENTS, NEXT_DAY

TRAINED, RESPONSE_TRAINED = date(2017, 12, 2), date(2017, 9, 30)  # Saturdays, so that windows have closed by AS_OF


def rows(query: str) -> list[tuple]:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def run(statement: str) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def drifted() -> set[tuple]:
    return set(rows("select model_name, kind, subject from quality.model_drift where status = 'drifted'"))


def test_the_index_is_that_of_the_book():
    """Four bins with 25 % each become 10, 20, 30 and 40 %: sum of (today - before) * ln(today / before), by hand."""
    before = Bins.of(np.repeat([1.0, 2.0, 3.0, 4.0], 100), 4)
    today = np.repeat([1.0, 2.0, 3.0, 4.0], [100, 200, 300, 400])
    by_hand = -0.15 * np.log(0.4) - 0.05 * np.log(0.8) + 0.05 * np.log(1.2) + 0.15 * np.log(1.6)
    assert population_stability_index(before, today) == pytest.approx(by_hand)
    assert population_stability_index(before, np.repeat([1.0, 2.0, 3.0, 4.0], 7)) == pytest.approx(0, abs=1e-12)


def test_values_that_go_missing_are_a_drift():
    before = Bins.of(np.arange(1000.0), 10)
    today = np.where(np.arange(1000) % 3 == 0, np.nan, np.arange(1000.0))
    assert population_stability_index(before, today) > 1


def test_equal_values_are_never_parted_and_a_flag_has_two_bins():
    flags = Bins.of(np.repeat([0.0, 1.0], [70, 30]), 10)
    assert flags.rows.tolist() == [70, 30, 0]
    counted = Bins.of(np.repeat([0.0, 1.0, 2.0, 9.0], [60, 20, 10, 10]), 10)
    assert counted.rows.tolist() == [60, 20, 10, 10, 0]
    assert Bins.from_json(json.loads(json.dumps(counted.as_json()))).rows.tolist() == counted.rows.tolist()


def test_an_unchanged_population_is_not_called_drifted_by_chance():
    """200 rows, the fewest that anything is said about, drawn a thousand times."""
    random = np.random.default_rng(11)
    before = Bins.of(random.normal(size=5000), 10)
    found = [population_stability_index(before, random.normal(size=drift_settings().fewest_rows)) for _ in range(1000)]
    assert max(found) < drift_settings().drifted
    assert np.mean(found) == pytest.approx(9 * (1 / 200 + 1 / 5000), rel=0.15), "what theory says of chance"


def looked_at(baseline: Baseline, **scores: np.ndarray) -> dict[str, str]:
    """The status of each score, as the watch gives it."""
    version = ModelVersion("cx_intent", "1", "run", {})
    rows = seen(version, baseline, Sample({}, scores, {}), AS_OF, drift_settings())
    return dict(zip(rows["subject"], rows["status"], strict=True))


@pytest.mark.parametrize("kinds", [2, 10, 77])
def test_the_same_mix_of_few_messages_is_no_drift_and_another_mix_is(kinds):
    """A/A: 200 messages of 77 intents differ from 250 of before by far more than 0.25, by chance alone."""
    random = np.random.default_rng(5)
    share = random.dirichlet(np.full(kinds, 3.0))
    indices, statuses = [], []
    for _ in range(300):
        before, today = (random.choice(kinds, number, p=share).astype(float) for number in (250, 200))
        kept = Bins.of_kinds(before, kinds)
        indices.append(population_stability_index(kept, today))
        statuses.append(looked_at(Baseline({}, {"mix": kept}), mix=today)["mix"])
    assert DRIFTED not in statuses
    assert (np.mean(indices) > 0.25) == (kinds == 77), "without the allowance for chance every day would drift"
    turned = np.where(random.random(200) < 0.7, share.argmin(), today)
    assert looked_at(Baseline({}, {"mix": kept}), mix=turned) == {"mix": DRIFTED}


def test_what_had_moved_before_the_training_is_no_news():
    """A window that was still filling when the model was trained: the next training would learn from the same weeks."""
    random = np.random.default_rng(6)
    filling, full = random.gamma(2, 1, 3000), random.gamma(2, 2, 3000)
    baseline = baseline_of({}, {"spend": filling}, newest_scores={"spend": full})
    assert baseline.moved_scores["spend"] > 0.25
    kept = Baseline.from_json(baseline.as_json())
    assert looked_at(kept, spend=random.gamma(2, 2, 3000)) == {"spend": STABLE}
    assert looked_at(replace(kept, moved_scores={}), spend=random.gamma(2, 2, 3000)) == {"spend": DRIFTED}
    assert looked_at(kept, spend=random.gamma(2, 4, 3000)) == {"spend": DRIFTED}, "a change since is news"


def test_calibration_counts_a_customer_once():
    found = calibration(np.array(["a", "a", "b"]), np.array([1.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5]))
    assert (found.expected, found.observed, found.ratio) == (1.5, 2.0, pytest.approx(4 / 3))
    assert found.z == pytest.approx(0.5 / np.sqrt(1.0**2 + 0.5**2))


@pytest.fixture(scope="module")
def champions(company, mlflow_store):
    version, response = train_intent(TRAINED), train_response(RESPONSE_TRAINED)
    assert promote_intent(TRAINED).is_promoted and promote_response(RESPONSE_TRAINED).is_promoted
    return version, response


@pytest.fixture
def as_it_was(champions):
    """Put features and labels back after a test that planted something."""
    tables = ("customer_features", "intent_labels", "campaign_responses")
    for table in tables:
        run(f"create table features.kept_{table} as select * from features.{table}")
    yield
    for table in tables:
        run(f"drop table features.{table}")
        run(f"alter table features.kept_{table} rename to {table}")


def test_stable_data_is_stable_and_looking_twice_changes_nothing(champions):
    intent, response = watch_drift(AS_OF)
    assert drifted() == set()
    assert "drifted: nothing" in intent.summary()
    seen = rows("select kind, subject, status, rows from quality.model_drift where model_name = 'cx_intent'")
    features = set(registry.load(champions[0]).features)
    assert {subject for kind, subject, *_ in seen if kind == "input"} == features - set(drift_settings().calendar)
    assert {subject for kind, subject, *_ in seen if kind == "score"} == set(INTENTS)
    assert {(subject, status) for kind, subject, status, _ in seen if kind == "calibration"} == {
        (intent, "stable") for intent in INTENTS
    }
    assert {count for kind, *_, count in seen if kind == "calibration"} == {3 * 240}, "three windows have closed since"
    before = checksums(["quality"])
    watch_drift(AS_OF)
    assert checksums(["quality"]) == before
    assert not is_due("cx_intent", NEXT_DAY)


def test_the_response_model_is_watched_on_whom_was_contacted_since(champions):
    """Its training kept no baseline; the warehouse still has the rows, which the data hash proves."""
    watch_drift(AS_OF)
    assert registry.text(champions[1], ARTIFACT) is not None
    seen = dict(rows("select kind || ' ' || subject, status from quality.model_drift where model_name = 'cx_response'"))
    assert seen["score all"] == "stable" and seen["input taste"] == "stable" and seen["calibration all"] == "stable"
    assert {"calibration coupon_campaign_a", "calibration coupon_campaign_b"} <= set(seen)


def test_no_customer_is_in_a_baseline(champions):
    watch_drift(AS_OF)
    for version in champions:
        text = registry.text(version, ARTIFACT)
        assert "customer-0" not in text
        assert sum(json.loads(text)["inputs"]["taste"]["rows"]) > 500


def test_a_planted_shift_is_named_and_makes_the_training_due(champions, as_it_was):
    watch_drift(AS_OF)
    assert not is_due("cx_intent", NEXT_DAY)
    run("update features.customer_features set spend_eur_84d = 3 * spend_eur_84d where as_of_date = '2017-12-28'")
    watched = watch_drift(AS_OF)
    assert ("cx_intent", "input", "spend_eur_84d") in drifted()
    assert {subject for _, kind, subject in drifted() if kind == "input"} == {"spend_eur_84d"}
    assert "input spend_eur_84d" in watched[0].summary()
    assert "had drifted on 2017-12-28" in why_due("cx_intent", NEXT_DAY)
    assert "input spend_eur_84d" in why_due("cx_intent", NEXT_DAY)
    assert not is_due("cx_intent", AS_OF), "what a day sees is due on the next one, however often the day is run"
    assert not is_due("cx_intent", TRAINED + timedelta(days=drift_settings().rest_days - 1))


def test_drift_makes_nothing_due_so_soon_after_a_training(champions, as_it_was):
    run("update features.customer_features set taste = taste + 5 where as_of_date = '2017-12-09'")
    run("delete from quality.model_drift")
    day = TRAINED + timedelta(days=7)
    watch_drift(day)
    assert ("cx_intent", "input", "taste") in drifted() and any(kind == "score" for _, kind, _ in drifted())
    assert is_due("cx_intent", day + timedelta(days=1))
    assert not is_due("cx_intent", day)
    run("delete from quality.model_drift")


def test_what_happens_instead_of_what_was_promised_is_told(champions, as_it_was):
    run("update features.intent_labels set label = 0 where intent = 'lapse' and as_of_date > '2017-11-04'")
    watch_drift(AS_OF)
    assert drifted() == {("cx_intent", "calibration", "lapse")}
    ((ratio,),) = rows("select value from quality.model_drift where kind = 'calibration' and subject = 'lapse'")
    assert ratio == 0
    assert "calibration lapse" in why_due("cx_intent", NEXT_DAY)


def test_too_few_rows_say_nothing(champions, as_it_was):
    run("delete from features.customer_features where as_of_date = '2017-12-28' and customer_id > 'customer-0100'")
    watch_drift(AS_OF)
    found = rows(
        "select distinct status from quality.model_drift where model_name = 'cx_intent' and kind <> 'calibration'"
    )
    assert found == [("too few",)]


def test_a_baseline_that_cannot_be_proven_is_not_made_up(champions, as_it_was, monkeypatch):
    run("update features.campaign_responses set responded = 1 - responded where starts_date < '2017-06-01'")
    monkeypatch.setattr(registry, "text", lambda *_: None)
    watch_drift(AS_OF)
    found = rows("select distinct status from quality.model_drift where model_name = 'cx_response' and kind = 'input'")
    assert found == [("no baseline",)]
    assert not is_due("cx_response", RESPONSE_TRAINED + timedelta(days=8))


def test_bi_reads_what_was_seen(champions):
    with runtime_warehouse.transaction("cx_bi") as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from quality.model_drift")
        assert cursor.fetchone()[0] > 0
