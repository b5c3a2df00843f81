"""Whom to treat with what: our uplift models on any randomised file, judged on the half they have not seen.

`python -m bench.uplift --data F --treatment COL --control VALUE --outcome COL [--propensity COL]`

The file is CSV, TSV (also compressed) or Parquet. `--propensity` is the probability of the treatment received; without
it the shares of the arms are taken, as in an experiment. Columns that are not named are features (`--features a,b`
names them); left out are those that differ between the arms, because they came after the treatment. `--cost arm=0.3,…`
is taken off the outcome of whoever received the arm.

Values are per customer in the unit of the outcome, doubly robust, with 95 % intervals: ours, the best single arm, a
uniform draw of arms, and the T-learner of the tutorials. `heterogeneity`: is telling customers apart worth it?
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from bench.inputs.balance import after_treatment
from bench.inputs.tables import feature_matrix, lacking, read_table
from bench.peers.t_learner import t_learner
from ml.ope.interval import mean_interval
from ml.ope.log import Log
from ml.ope.settings import ope_settings
from ml.uplift.evaluate import evaluate
from ml.uplift.learn import learn
from ml.uplift.outcomes import shares
from ml.uplift.settings import uplift_settings
from runtime.progress import console

SETTINGS, NUISANCE = uplift_settings(), ope_settings()


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="one row per customer")
    parser.add_argument("--treatment", help="column of the arm received")
    parser.add_argument("--control", help="value of that column that means: left alone")
    parser.add_argument("--outcome", help="column of what came of it, larger is better")
    parser.add_argument("--propensity", help="column of the probability of the arm received")
    parser.add_argument("--features", help="columns known before the treatment, separated by commas")
    parser.add_argument("--cost", default="", help="what an arm costs in the unit of the outcome: mail=0.3,call=5")
    given = parser.parse_args()
    if given.data is None:
        parser.exit(0, "Name a randomised file: --data F --treatment COL --control VALUE --outcome COL.\n")
    if None in (given.treatment, given.control, given.outcome):
        parser.error("--data needs --treatment, --control and --outcome")
    try:
        result = measure(given, read_table(given.data))
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    show(result)
    print(json.dumps(result))


def measure(given: argparse.Namespace, frame: pd.DataFrame) -> dict:
    """Learn on one half, judge on the other."""
    names = None if given.features is None else [name for name in given.features.split(",") if name]
    lacking(frame, given.data, given.treatment, given.outcome, given.propensity, *(names or []))
    frame = frame.dropna(subset=[given.treatment, given.outcome])
    received = frame[given.treatment].astype(str)
    arms = sorted(received.unique(), key=lambda name: (not _same(name, given.control), name))
    if not _same(arms[0], given.control) or len(arms) < 2:
        raise ValueError(f"{given.treatment} has no {given.control!r} beside a treatment; it has {', '.join(arms)}.")
    action = pd.Categorical(received, categories=arms).codes.astype(int)
    costs = dict(pair.split("=") for pair in given.cost.split(",") if pair)
    reward = frame[given.outcome].to_numpy(float) - np.array([float(costs.get(arm, 0)) for arm in arms])[action]
    used = {given.treatment, given.outcome, given.propensity}
    known, labels = feature_matrix(frame, names, used)
    propensity = shares(action, len(arms)) if given.propensity is None else frame[given.propensity].to_numpy(float)
    late = after_treatment(known, action, propensity) if names is None else []
    if late:
        console.print(f"  left out, they came after the treatment: {', '.join(labels[column] for column in late)}")
    known = np.delete(known, late, axis=1)
    log = Log(action, reward, propensity, len(arms), known, None)
    seen = np.random.default_rng(SETTINGS.seed).permutation(len(log)) < len(log) // 2
    train, test = log.part(seen), log.part(~seen)
    learned = learn(train, 0, SETTINGS, NUISANCE)
    worth = evaluate(learned, test, 0, SETTINGS, NUISANCE)
    peers = t_learner(train.features, train.action, train.reward, len(arms), test.features)
    peer = mean_interval(worth.outcome[np.arange(len(test)), peers])
    return {
        "policy_value": worth.policy.estimate,
        "policy_low": worth.policy.low,
        "policy_high": worth.policy.high,
        "best_single_arm": worth.single.estimate,
        "best_single_arm_name": arms[worth.single_arm],
        "random": worth.random.estimate,
        "t_learner": peer.estimate,
        "heterogeneity": worth.is_useful,
        "verdict": worth.verdict,
        "gain": worth.gain.estimate,
        "gain_low": worth.gain.low,
        "gain_high": worth.gain.high,
        "auuc": worth.curve.auuc.estimate,
        "qini": worth.curve.qini.estimate,
        "qini_low": worth.curve.qini.low,
        "qini_high": worth.curve.qini.high,
        "learner": learned.chosen,
        "customers": len(log),
        "features": known.shape[1],
    }


def _same(name: str, control: str) -> bool:
    """Tell whether an arm is the control, whether it was written 0 or 0.0."""
    try:
        return float(name) == float(control)
    except ValueError:
        return name == control


def show(result: dict) -> None:
    """Print the figures."""
    table = Table(title=f"Uplift on a held-out half (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, figure in result.items():
        table.add_row(name, f"{figure:,.5g}" if isinstance(figure, float) else str(figure))
    console.print(table)


if __name__ == "__main__":
    main()
