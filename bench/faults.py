"""What becomes of every planted defect: `python -m bench.faults [--people N] [--last YYYY-MM-DD]`.

Nordhaus is played with its planted defects and landed: the history up to the first damaged file at once, then day by
day wherever a file is damaged (the days between come together), each with its gates. One row per kind of defect: how
many values, rows or files were planted; how many of them were marked (quarantine, malformed lines, suspect values,
refused or held batches, duplicate or late deliveries, machines in staging, identifiers that are none of their kind);
how many sound values the same checks marked; how many records are lost (neither in raw nor set aside) or counted twice
(two accepted rows with one key of the contract); and what a steward reads. Records of the last days are left out: their
files may still be on the way. Kinds that no check can see (a plausible name) are shown with what was found by chance.
"""

import argparse
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import uvicorn
from rich.markup import escape
from rich.table import Table

from bench.planted.files import damaged, late_and_twice
from bench.planted.rows import Row, compare, truth_until
from dags.wiring.dbt_run import build
from expectations.gate import GateFailed
from expectations.raw_gate import check_raw
from landing.contracts import departments
from landing.land import land_department
from normalisation.normalise import normalise_values
from runtime import bootstrap, demo_company, home, ports, postgres
from runtime.progress import console
from runtime.secrets import secret
from runtime.settings import PREFIX, Settings, settings
from simulator.nordhaus import catalogue, faults
from simulator.nordhaus.api import application
from simulator.nordhaus.company import SEED

# A file waits at most so long (the late branch, late hours, a consent that reaches its file late).
DAYS_UNDER_WAY = 3


def main() -> None:
    """Play, land, compare with the truth, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1000, help="people of Nordhaus (default: 1,000)")
    parser.add_argument("--last", type=date.fromisoformat, default=date(2025, 5, 20), help="the last day (2025-05-20)")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-faults-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"CX_HOME": f"{folder}/home", "CX_DATASET": "nordhaus", "CX_DEMO_PEOPLE": str(given.people)}
        with company(settings()) as platform:
            walk(platform, given.last)
            console.print(f"  {normalise_values(given.last).summary()}")
            build(given.last, select=["path:seeds", "path:models/vocabulary", "path:models/staging"])
            report(platform, given.last - timedelta(days=DAYS_UNDER_WAY))


@contextmanager
def company(given: Settings) -> Iterator[Settings]:
    """An embedded server and the company's APIs, removed afterwards."""
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        port = ports.choose(given, "nordhaus")
        demo_company.open_company(given)
        tokens = {name: secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
        app = application(given.home / "nordhaus", tokens, SEED)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield given
        server.should_exit = True
        thread.join()
    finally:
        postgres.stop(given)
        home.remove(given)


def days_walked(last: date) -> list[date]:
    """The day before the first damage, each damaged day until its repair, and the last; others land with the next."""
    first = min(fault.day for fault in faults.FAULTS) - 1
    days = {first, catalogue.day_of(last)}
    for fault in faults.FAULTS:
        days |= set(range(fault.day, fault.day + max(fault.repaired_after_days, 1) + 1))
    return [day for day in map(catalogue.date_of, sorted(days)) if day <= last]


def walk(given: Settings, last: date) -> None:
    """Land the history, then day by day where files are damaged, with the gates of every day."""
    for day in days_walked(last):
        demo_company.play_company(given, day)
        for department in departments():
            land_department(department, day)
            with suppress(GateFailed):  # what it said stands in quality.gate_results
                check_raw(department, day)
        console.print(f"  landed up to {day}")


def report(given: Settings, last: date) -> None:
    """Compare with the truth of the days up to `last`; print the table and the JSON line."""
    truth = truth_until(given.home / "nordhaus" / "truth" / "records", last)
    rows = [*compare(truth), *damaged(truth, last), *late_and_twice(last)]
    table = Table(title=f"Planted defects up to {last} and what became of them ({given.demo_people:,} people)")
    for column in ("entity", "defect", "planted", "detected", "falsely", "lost", "twice", "what a steward reads"):
        is_text = column in ("entity", "defect", "what a steward reads")
        table.add_column(column, justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        counts = (f"{number:,}" for number in (row.planted, row.detected, row.falsely, row.lost, row.twice))
        table.add_row(row.entity, row.kind or "(sound)", *counts, escape(row.message[:160]))
    console.print(table)
    print(json.dumps(_summary(rows)))


def _summary(rows: list[Row]) -> dict:
    """The JSON line: totals, and per kind what was planted, detected, falsely flagged, lost and counted twice."""
    kinds = [row for row in rows if row.kind]
    return {
        "kinds": len(kinds),
        "lost": sum(row.lost for row in rows),
        "twice": sum(row.twice for row in rows),
        "sound_records_kept_out": sum(row.falsely for row in rows if not row.kind),
        "rows": {
            f"{row.entity}/{row.kind}": [row.planted, row.detected, row.falsely, row.lost, row.twice] for row in kinds
        },
    }


if __name__ == "__main__":
    main()
