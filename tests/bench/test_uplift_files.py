"""The uplift command on a file of an experiment, with outcomes beside the outcome."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd

from bench.inputs.balance import after_treatment


def experiment(size: int) -> pd.DataFrame:
    """A mailing that helps the young and annoys the old; a click comes after it."""
    chance = np.random.default_rng(3)
    frame = pd.DataFrame({"customer": np.arange(size), "age": chance.normal(50, 15, size).round()})
    frame["segment"] = chance.choice(["none", "mail"], size)
    treated = frame["segment"] == "mail"
    frame["click"] = (treated & (chance.random(size) < 0.3)).astype(int)
    frame["spend"] = 5 + treated * (50 - frame["age"]) / 5 + chance.normal(0, 4, size) + frame["click"]
    return frame


def test_columns_from_after_the_treatment_are_found():
    frame = experiment(4000)
    action = (frame["segment"] == "mail").to_numpy().astype(int)
    assert after_treatment(frame[["age", "click"]].to_numpy(float), action, np.full(4000, 0.5)) == [1]


def test_the_command_finds_whom_the_mailing_helps(tmp_path):
    experiment(6000).to_csv(tmp_path / "mailing.csv", index=False)
    arguments = [
        "--data",
        tmp_path / "mailing.csv",
        "--treatment",
        "segment",
        "--control",
        "none",
        "--outcome",
        "spend",
    ]
    done = subprocess.run([sys.executable, "-m", "bench.uplift", *map(str, arguments)], capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert "came after the treatment: click" in done.stdout and found["features"] == 1
    assert found["heterogeneity"] is True and found["policy_value"] > found["best_single_arm"] > found["random"] - 0.5
    # E[max(0, (50 - age) / 5)] = 15 / 5 / sqrt(2 pi) on top of 5.
    assert found["policy_low"] < 5 + 1.197 + 0.15 < found["policy_high"] + 0.2
