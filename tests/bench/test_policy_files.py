"""A policy file is understood in each of its forms, and what is none is an error."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from bench.inputs.policies import named_actions, read_log, read_target
from bench.inputs.tables import feature_matrix


@pytest.fixture
def log(tmp_path):
    """Write a log of two actions drawn by a coin, one of which pays more; return its file and table."""
    chance = np.random.default_rng(1)
    frame = pd.DataFrame({"arm": chance.choice(["call", "mail"], 600), "shelf": np.arange(600) % 2})
    frame["paid"] = (chance.random(600) < np.where(frame["arm"] == "call", 0.5, 0.2)).astype(int)
    frame = frame.assign(chance=0.5, age=chance.normal(40, 10, 600))
    frame.to_csv(tmp_path / "log.csv", index=False)
    return tmp_path / "log.csv", frame


def understood(log, target: pd.DataFrame, by=()):
    logged = read_log(log[0], "arm", "paid", "chance", None, None, named_actions(target, "arm"))
    return read_target(target, logged, list(by))


def test_a_column_per_action(log):
    found = understood(log, pd.DataFrame({"call": np.linspace(0, 1, 600), "mail": np.linspace(1, 0, 600)}))
    assert found.policy[0].tolist() == [0, 1] and found.policy[-1].tolist() == [1, 0]


def test_a_table_by_action_and_shelf(log):
    table = pd.DataFrame(
        {"arm": ["call", "mail", "call", "mail"], "shelf": [0, 0, 1, 1], "probability": [1, 0, 0.3, 0.7]}
    )
    found = understood(log, table, ["shelf"])
    assert found.policy[0].tolist() == [1, 0] and found.policy[1].tolist() == [0.3, 0.7]


def test_a_log_of_the_target_gives_its_shares_and_what_it_brought(log):
    own = pd.DataFrame({"arm": ["call"] * 3 + ["mail"], "paid": [1, 0, 0, 1]})
    found = understood(log, own)
    assert found.policy[7].tolist() == [0.75, 0.25] and found.own_rewards.mean() == 0.5


def test_one_action_by_decision_and_the_probability_of_the_drawn_one(log):
    chosen = understood(log, pd.DataFrame({"arm": ["mail", "call"] * 300}))
    assert chosen.policy[0].tolist() == [0, 1]
    drawn = understood(log, pd.DataFrame({"probability": np.full(600, 0.4)}))
    assert drawn.policy is None and (drawn.drawn == 0.4).all()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (pd.DataFrame({"x": [1]}), "no policy for 600 decisions"),
        (pd.DataFrame({"arm": ["call", "mail"], "probability": [0.5, 0.2]}), "sum to 0.700"),
        (pd.DataFrame({"call": np.ones(600), "mail": np.ones(600)}), "sum to 1 in every decision"),
    ],
)
def test_what_is_no_policy_is_an_error(log, target, message):
    with pytest.raises(ValueError, match=message):
        understood(log, target)


def test_numbers_of_rows_and_names_are_no_features(log):
    frame = log[1].assign(row=np.arange(600), name=[f"n{i}" for i in range(600)], town=["a", "b", "c"] * 200, same=1)
    known, names = feature_matrix(frame, None, {"arm", "paid", "chance"})
    assert names == ["shelf", "age", "town=a", "town=b", "town=c"] and known.shape == (600, 5)


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "bench.ope", *map(str, arguments)], capture_output=True, text=True)


def test_the_command_prints_the_estimate_as_its_last_line(log, tmp_path):
    pd.DataFrame({"arm": ["call", "mail"], "probability": [0.9, 0.1]}).to_csv(tmp_path / "target.csv", index=False)
    columns = ["--action", "arm", "--reward", "paid", "--propensity", "chance", "--features", "age"]
    done = run("--log", log[0], "--target", tmp_path / "target.csv", *columns)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["low"] < 0.9 * 0.5 + 0.1 * 0.2 < found["high"] and found["refused"] is False
    assert found["ess"] == pytest.approx(600 * 1 / 1.64, rel=0.05)  # weights 1.8 and 0.2
    few = tmp_path / "few.csv"
    log[1].head(60).to_csv(few, index=False)
    refused = json.loads(run("--log", few, "--target", tmp_path / "target.csv", *columns).stdout.splitlines()[-1])
    assert refused["refused"] is True and refused["estimate"] is None and "effective sample" in refused["refusal"]
    wrong = run("--log", log[0], "--target", tmp_path / "target.csv", *columns[:-2], "--features", "height")
    assert wrong.returncode == 1 and "has no column height" in wrong.stderr
