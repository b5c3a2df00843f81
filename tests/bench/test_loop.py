"""The loop bench: the world is the same for everybody, and who learns ends better than who does not."""

import json
import subprocess
import sys

import numpy as np
import pytest

from bench.loop import recovery
from bench.planted.allowed import eligible
from bench.planted.town import NO_ACTION, Town, drifted
from simulator.nordhaus import effects


@pytest.fixture(scope="module")
def result() -> dict:
    arguments = [
        "--people",
        "1500",
        "--rounds",
        "4",
        "--seeds",
        "1",
        "--frozen-after",
        "1",
        "--drift",
        "3",
        "--history",
        "120",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench.loop", *arguments], capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_ours_ends_with_less_regret_than_random_and_the_frozen_copy(result):
    last = {name: np.mean(rounds[-2:]) for name, rounds in result["regret"].items()}
    assert last["ours"] < min(last["random"], last["frozen"])


def test_the_report_is_complete_and_no_limit_was_exceeded(result):
    assert {len(rounds) for rounds in result["regret"].values()} == {4}
    assert result["coverage"] >= 0.8 and result["limits_exceeded"] == 0
    assert result["share_all"]["random"] == 0


def test_a_week_is_the_same_for_every_policy():
    one = Town(3, 300, history=90)
    first = one.monday()
    action = np.full(len(first.person), 1)
    assert (one.outcomes(first, action).responded == one.outcomes(first, action).responded).all()
    allowed = eligible(first)
    assert allowed[:, NO_ACTION].all() and not allowed[~first.truth.is_reachable].any()
    worn = drifted(first.truth, one.world.traits.mail_openness[one.person])
    mail = effects.NAMES.index("newsletter_offer")
    reached = first.truth.is_reachable[:, mail]
    assert (worn.response[reached, mail] < first.truth.response[reached, mail]).all()
    assert worn.value_eur[:, NO_ACTION] == pytest.approx(0, abs=1e-9)


def test_recovery_counts_the_days_until_the_share_is_back():
    assert recovery(np.array([0.7, 0.8, 0.8, 0.8, 0.4, 0.78, 0.8]), 5) == 7
    assert recovery(np.array([0.8, 0.8, 0.8, 0.1, 0.1]), 4) is None
