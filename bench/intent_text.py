"""What is the message about: ours on any file, and on the public sets that stand beside the project.

`python -m bench.intent_text --train F --test F --text COL --label COL [--oos-label L] [--validation F]`

Files are CSV, TSV or Parquet. Rows with the label L are out of scope: those of the training file are left out, those of
the test file ask whether the model notices. Promises are made from the validation file, or from left-out folds of the
training file. Without files: every public set beside the project, the same settings.

`accuracy, macro_f1, ece` (10 bins of equal size): messages in scope, every expert asked. `oos_auroc`, and `oos_recall`
where 0.95 of the test messages in scope stay in. `automated` is the share in scope that the model answers alone,
`automated_error` how often that is wrong, `promise_p` the exact binomial test that it is more than promised (small =
broken), `oos_handed_over` the strange messages that a human gets at the same gates.
`cascade_…`: as few experts as needed. `messages_per_second` (per CPU second, one thread) and `p95_ms` (a message alone,
process warm, wall clock) are the cascade's. `--learning-curve N` asks for N labels a round instead, where the model
wavers and at random (bench/learning_curve.py).
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table
from scipy.stats import binomtest
from sklearn.metrics import f1_score, roc_auc_score

from bench.learning_curve import learning_curve
from bench.public_sets.messages import Task, few, standard
from ml.messages.fit import TooFewExamples, fit
from ml.messages.model import MessageModel, MessageSettings, Reading, message_settings
from ml.metrics import expected_calibration_error
from runtime.progress import console

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "datasets" / "intent"
SEED = 20
ALONE = 300  # messages that are timed one by one
COVERAGE = 0.95
SHOWN = (
    "accuracy", "macro_f1", "ece", "oos_auroc", "oos_recall", "automated", "automated_error", "oos_handed_over",
    "cascade_accuracy", "messages_per_second", "p95_ms", "train_cpu_seconds",
)  # fmt: skip


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="labelled messages to learn from: .csv, .tsv or .parquet")
    parser.add_argument("--test", type=Path, help="labelled messages to be judged on")
    parser.add_argument("--validation", type=Path, help="labelled messages from which promises are made")
    parser.add_argument("--text", default="text", help="the column with the message")
    parser.add_argument("--label", default="label", help="the column with the intent")
    parser.add_argument("--oos-label", help="the label of messages that are about nothing known")
    parser.add_argument("--per-intent", type=int, help="learn from so many messages of each intent only")
    parser.add_argument("--learning-curve", type=int, help="instead: ask for so many labels a round, twice")
    parser.add_argument("--encoders", help="which encoders may be asked, by comma; '' for the words alone")
    parser.add_argument("--only", default="", help="of the public sets, those whose name holds this")
    parser.add_argument("--datasets", type=Path, default=BESIDE, help="where the public sets stand (default: beside)")
    given = parser.parse_args()
    settings = message_settings()
    # Labels of public sets are taken as they are, whatever a company's review found of its own.
    settings = replace(settings, promise={**settings.promise, "label_error": 0.0})
    if given.encoders is not None:
        settings = replace(settings, encoders=[name for name in given.encoders.split(",") if name])
    if (given.train is None) != (given.test is None):
        parser.error("--train needs --test, and the other way round")
    if given.train is None:
        tasks = [task for task in standard(given.datasets, SEED) if given.only in task.name]
        if not tasks:
            parser.exit(0, f"No data sets stand in {given.datasets}; name files with --train and --test.\n")
    else:
        train, test = (read_file(path, given.text, given.label) for path in (given.train, given.test))
        train = train[train["label"] != given.oos_label]
        later = read_file(given.validation, given.text, given.label) if given.validation else None
        if given.per_intent:
            train = few(train, given.per_intent, SEED)
        tasks = [Task(given.train.stem, train, test, given.oos_label, later)]
    results = {}
    for task in tasks:
        console.print(f"  {task.name}: {len(task.train)} messages to learn from, {len(task.test)} to be judged on …")
        try:
            if given.learning_curve:
                results[task.name] = learning_curve(task, settings, given.learning_curve, SEED)
                console.print(results[task.name])
                continue
            results[task.name] = measure(task, settings)
        except TooFewExamples as error:
            sys.exit(str(error))
    if not given.learning_curve:
        show(results)
    print(json.dumps(results if given.train is None else next(iter(results.values()))))


def read_file(path: Path, text: str, label: str) -> pd.DataFrame:
    """Read a table as text, its two columns named text and label."""
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)
    except OSError as error:
        sys.exit(str(error))
    lacking = sorted({text, label} - set(frame.columns))
    if lacking:
        sys.exit(f"{path} has no column {', '.join(lacking)}. It has: {', '.join(frame.columns)}.")
    return frame[[text, label]].astype(str).set_axis(["text", "label"], axis=1)


def measure(task: Task, settings: MessageSettings) -> dict[str, float]:
    """Fit on what is in scope and judge on the rest."""
    begun = time.process_time()
    later = task.later
    if later is not None:
        later = later[later["label"] != task.out_of_scope]
        later = (later["text"].tolist(), later["label"].tolist())
    model, _ = fit(task.train["text"].tolist(), task.train["label"].tolist(), settings, later)
    results = {"messages": len(task.train), "train_cpu_seconds": round(time.process_time() - begun, 1)}
    strange = task.test["label"] == task.out_of_scope
    inside, texts = task.test[~strange], task.test.loc[strange, "text"].tolist()
    label = inside["label"].to_numpy(dtype=object)
    thorough = model.read(inside["text"].tolist(), thorough=True)
    begun = time.process_time()
    cascade = model.read(inside["text"].tolist())
    per_second = len(inside) / (time.process_time() - begun)
    results |= judged(thorough, label, settings)
    results |= {f"cascade_{name}": value for name, value in judged(cascade, label, settings).items()}
    if texts:
        results |= strange_ones(thorough, model.read(texts, thorough=True))
        results["cascade_oos_handed_over"] = float(model.read(texts).abstained.mean())
    results |= {"messages_per_second": per_second, "p95_ms": alone(model, inside["text"].tolist())}
    return {name: round(value, 4) for name, value in results.items()} | {"load": round(os.getloadavg()[0], 1)}


def judged(reading: Reading, label: np.ndarray, settings: MessageSettings) -> dict[str, float]:
    """Judge the answers to messages in scope."""
    is_right, answered = reading.top == label, ~reading.abstained
    wrong, many = int((~is_right[answered]).sum()), int(answered.sum())
    return {
        "accuracy": float(is_right.mean()),
        "macro_f1": float(f1_score(label.astype(str), reading.top.astype(str), average="macro")),
        "ece": expected_calibration_error(is_right.astype(int), reading.probabilities.max(axis=1)),
        "automated": many / len(label),
        "automated_error": wrong / many if many else 0.0,
        "promise_p": binomtest(wrong, many, settings.promise["risk"], alternative="greater").pvalue if many else 1.0,
        "in_scope_kept": float(reading.is_in_scope.mean()),
    }


def strange_ones(inside: Reading, outside: Reading) -> dict[str, float]:
    """Judge whether messages out of scope are noticed."""
    scores = np.concatenate([inside.scope_score, outside.scope_score])
    known = np.repeat([1, 0], [len(inside.scope_score), len(outside.scope_score)])
    return {
        "oos_auroc": float(roc_auc_score(known, scores)),
        "oos_recall": float((outside.scope_score < np.quantile(inside.scope_score, 1 - COVERAGE)).mean()),
        "oos_handed_over": float(outside.abstained.mean()),
    }


def alone(model: MessageModel, texts: list[str]) -> float:
    """Return the 95th percentile of the milliseconds that one message takes; every expert has been asked before."""
    model.read(texts[:8], thorough=True)
    taken = []
    for text in np.random.default_rng(SEED).permutation(np.array(texts, dtype=object))[:ALONE]:
        begun = time.perf_counter()
        model.read([text])
        taken.append(time.perf_counter() - begun)
    return float(np.quantile(taken, 0.95) * 1000)


def show(results: dict[str, dict[str, float]]) -> None:
    """Print the table, a column per set."""
    table = Table(title=f"Intent of messages (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    table.add_column("")
    for name in results:
        table.add_column(name, justify="right")
    for row in SHOWN:
        table.add_row(row, *(f"{result[row]:,}" if row in result else "" for result in results.values()))
    console.print(table)


if __name__ == "__main__":
    main()
