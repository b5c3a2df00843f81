"""How near to the bare floor: `python -m bench.throughput [--customers 20000] [--actions 20] [--rounds 3]`.

Ours is a day of the platform: `decide` (read circumstances, score every action for every customer, policies, consents,
limits and capacities, the global choice, the ledger with every candidate) and `publish`. The floor reads the same
features by COPY, calls `Booster.inplace_predict` of the same trees for every customer and action that they know, and
writes these scores by COPY: no rule, no choice, no reason. Both in turn, `--rounds` times; `ratio` is that of the
medians. Then one more day is profiled: the seconds of each step of ours.
"""

import argparse
import cProfile
import io
import json
import os
import platform
import pstats
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from psycopg2 import sql
from rich.table import Table

from activation.publish import GATE, publish
from bench.planted.population import FEATURES, FIRST_DAY, come, planted
from ml import registry
from ml.nba.decide import decide
from ml.nba.model import nba_settings
from runtime import warehouse
from runtime.progress import console

PLANTED_ACTIONS = 8  # of Nordhaus, and the letter
# Function and file of each step, as the profile names them; the texts are part of deciding, writing is not.
STEPS = {
    "read": ("read_circumstances", "circumstances.py"),
    "score and rules": ("lay_out", "candidates.py"),
    "of it the model": ("predict_proba", "model.py"),
    "of it the policies": ("apply_policies", "policy.py"),
    "choose and explain": ("draw", "decide.py"),
    "of it the choice": ("choose", "choose.py"),
    "texts of candidates": ("candidate_texts", "ledger.py"),
    "write the ledger": ("copy_frame", "warehouse.py"),
    "publish": ("publish", "publish.py"),
}
PASSED = """
    insert into quality.gate_results (gate, as_of, batch, expectation, column_name, severity, success, observed,
        threshold, message)
    values (%s, %s, 'planted', 'planted', '', 'critical', true, '', '', '')
"""


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--actions", type=int, default=20, help=f"at least {PLANTED_ACTIONS} (default: 20)")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    days = [FIRST_DAY + timedelta(days=1 + number) for number in range(given.rounds + 1)]
    with (
        tempfile.TemporaryDirectory(prefix="cxloop-throughput-") as folder,
        planted(Path(folder), given.customers, len(days) + 1, given.actions - PLANTED_ACTIONS),
    ):
        model = registry.load(registry.champion(nba_settings().model))
        ours, floor = [], []
        for day in days[:-1]:
            prepare(day)
            ours.append(timed(lambda day=day: run(day)))
            floor.append(timed(lambda day=day: bare(day, model)))
            console.print(f"  {day}: ours {ours[-1]:.1f} s, floor {floor[-1]:.1f} s")
        prepare(days[-1])
        steps = profiled(days[-1])
    show(given, ours, floor, steps)


def prepare(day: date) -> None:
    """Let the day come, and its gate be passed."""
    come(day)
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(PASSED, (GATE, day))


def run(day: date) -> None:
    """A day of the platform."""
    decide(day)
    publish(day)


def bare(day: date, model) -> None:
    """Read, predict for every action, write: nothing else."""
    booster, encoder = model.pipeline["learner"].get_booster(), model.pipeline["columns"].named_transformers_["action"]
    names = sql.SQL(", ").join(map(sql.Identifier, ["customer_id", *FEATURES]))
    query = sql.SQL("copy (select {} from features.customer_features where as_of_date = {}) to stdout (format csv)")
    actions = [str(name) for name in encoder.categories_[0]]
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        read = io.BytesIO()
        cursor.copy_expert(query.format(names, sql.Literal(day.isoformat())), read)
        read.seek(0)
        options = pa.csv.ReadOptions(column_names=["customer_id", *FEATURES])
        table = pa.csv.read_csv(read, options)
        inputs = np.column_stack([table[name].to_numpy().astype(np.float32) for name in FEATURES])
        cursor.execute("create table planted.floor (customer_id text, action_id text, score float4)")
        for place, name in enumerate(actions):
            marks = np.zeros((len(inputs), len(actions)), dtype=np.float32)
            marks[:, place] = 1
            score = booster.inplace_predict(np.hstack([inputs, marks]))
            rows = {"customer_id": table["customer_id"], "action_id": pa.repeat(name, len(score)), "score": score}
            warehouse.copy_table(connection, pa.table(rows), sql.Identifier("planted", "floor"))
        cursor.execute("drop table planted.floor")


def timed(do: Callable[[], None]) -> float:
    """Return the seconds it takes."""
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def profiled(day: date) -> dict[str, float]:
    """Return the seconds of each step of ours."""
    profile = cProfile.Profile()
    profile.runcall(run, day)
    found: dict[str, float] = {}
    for (file, _, function), (*_, cumulative, _) in pstats.Stats(profile).stats.items():
        for step, (name, module) in STEPS.items():
            if function == name and Path(file).name == module:
                found[step] = max(found.get(step, 0.0), cumulative)
    return {step: round(found.get(step, 0.0), 2) for step in STEPS}


def show(given: argparse.Namespace, ours: list[float], floor: list[float], steps: dict[str, float]) -> None:
    """Print the table and the JSON line."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{given.customers:,} customers x {given.actions} actions; {machine}")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    medians = statistics.median(ours), statistics.median(floor)
    for name, seconds in (("ours", medians[0]), ("floor", medians[1]), *steps.items()):
        table.add_row(name, f"{seconds:.2f}")
    console.print(table)
    found = {
        "ratio": round(medians[0] / medians[1], 2),
        "seconds": round(medians[0], 2),
        "floor_seconds": round(medians[1], 2),
        "customers": given.customers,
        "actions": given.actions,
        "customers_per_second": round(given.customers / medians[0]),
        "steps": steps,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "machine": machine,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
