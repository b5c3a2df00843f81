"""The gate on drift stops only if nobody looked; what moved is a warning that names it."""

import pytest

from tests.expectations.conftest import day

GATE = "scores.model_drift"


@pytest.fixture
def champion(house):
    house.run(
        "insert into scores.model_history (model_name, version, alias, as_of_date, promoted_by, reason, evidence)"
        " values ('cx_intent', '1', 'champion', %s, 'rule', 'good', '{}')",
        (day(1),),
    )


def see(house, number: int, kind: str, subject: str, status: str) -> None:
    house.run(
        "insert into quality.model_drift values ('cx_intent', '1', %s, %s, %s, 0.3, 0.25, %s, 1000)",
        (day(number), kind, subject, status),
    )


def test_without_a_champion_there_is_nothing_to_watch(house):
    assert house.failed(GATE, day(4)) == house.failed(GATE, day(4), "warning") == set()


def test_a_champion_that_nobody_watched_today_is_critical(house, champion):
    see(house, 3, "score", "lapse", "stable")
    assert house.failed(GATE, day(4)) == {"the_champion_is_watched_today"}


def test_a_stable_champion_passes(house, champion):
    see(house, 4, "score", "lapse", "moderate")
    assert house.failed(GATE, day(4)) == house.failed(GATE, day(4), "warning") == set()


@pytest.mark.parametrize(
    ("kind", "expectation"),
    [
        ("input", "inputs_are_those_that_were_learned_from"),
        ("score", "scores_are_distributed_as_at_training"),
        ("calibration", "what_happens_is_what_was_promised"),
    ],
)
def test_drift_warns_and_names_what_moved(house, champion, kind, expectation):
    see(house, 4, kind, "spend_eur_84d", "drifted")
    assert house.failed(GATE, day(4)) == set()
    assert house.failed(GATE, day(4), "warning") == {expectation}
    told = "select message from quality.gate_results where gate = %s and not success"
    assert "cx_intent spend_eur_84d 0.30" in house.rows(told, (GATE,))[0][0]
