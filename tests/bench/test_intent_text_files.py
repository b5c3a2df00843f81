"""`bench.intent_text` measures any two files and prints the figures it promises, as JSON on the last line."""

import json
import subprocess
import sys

import pandas as pd

from runtime.settings import ROOT
from tests.ml.written_messages import messages

KEYS = {
    "accuracy",
    "macro_f1",
    "ece",
    "oos_auroc",
    "oos_recall",
    "p95_ms",
    "messages_per_second",
    "automated",
    "promise_p",
}


def test_two_files_with_columns_of_their_own_are_measured(tmp_path):
    known, judged = messages(0, 500), messages(10_000, 300)
    strange = messages(20_000, 60, intents=("out_of_scope",))
    pd.DataFrame({"said": known.texts, "why": known.intents}).to_parquet(tmp_path / "train.parquet")
    frame = pd.DataFrame({"said": judged.texts + strange.texts, "why": [*judged.intents, *strange.intents]})
    frame.to_csv(tmp_path / "test.tsv", sep="\t", index=False)
    command = (
        f"-m bench.intent_text --train {tmp_path}/train.parquet --test {tmp_path}/test.tsv --text said --label why"
    )
    command += " --oos-label out_of_scope --encoders="
    done = subprocess.run([sys.executable, *command.split()], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) >= KEYS
    assert found["accuracy"] > 0.5
    assert 0.5 < found["oos_auroc"] <= 1


def test_a_column_that_is_not_there_is_named(tmp_path):
    pd.DataFrame({"text": ["a"], "label": ["b"]}).to_csv(tmp_path / "f.csv", index=False)
    command = f"-m bench.intent_text --train {tmp_path}/f.csv --test {tmp_path}/f.csv --text said --label why"
    done = subprocess.run([sys.executable, *command.split()], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "has no column said, why. It has: text, label" in done.stderr
