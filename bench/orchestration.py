"""What Airflow adds to dbt: wall time of the DAG build_warehouse over a plain `dbt build` of the same models.

Both start from the same database, copied back before each run: once with a year of data landed and nothing built,
once with one more day landed on a built warehouse. A platform of its own is started for it and removed afterwards.

    python -m bench.orchestration [--households N] [--rounds N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from statistics import mean
from typing import Any

from psycopg2 import sql
from rich.table import Table

from runtime import bootstrap, postgres, supervisor, warehouse
from runtime.airflow_client import AirflowClient
from runtime.progress import console, step
from runtime.settings import ROOT, settings
from simulator.complete_journey import deliver

HISTORY, NEXT_DAY = date(2017, 12, 28), date(2017, 12, 29)
SELECT = [
    "path:seeds",
    *(f"path:models/{layer}" for layer in ("vocabulary", "staging", "intermediate", "marts", "features")),
]
EXCLUDE = ["path:models/marts/outcomes"]
LISTENERS = ("train_intent", "train_next_best_action")
RUN_SECONDS = 3600
PARTS = ("dbt", "gates", "between_tasks", "before_first_task", "after_last_task")


def main() -> None:
    """Measure both cases, print the table and, as the last line, the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--households", type=int, help="only the first N households (default: all)")
    parser.add_argument("--rounds", type=int, default=1, help="measurements of each, interleaved (default: 1)")
    given = parser.parse_args()
    with platform():
        client = AirflowClient(settings())
        for dag_id in LISTENERS:
            client.pause(dag_id)
        cases = {}
        for case, day in (("full", HISTORY), ("increment", NEXT_DAY)):
            land(day, given.households)
            keep(case)
            cases[case] = measure(client, case, day, given.rounds)
    report(cases)


@contextmanager
def platform() -> Iterator[None]:
    """A platform in a temporary CX_HOME with nothing scheduled."""
    with tempfile.TemporaryDirectory(prefix="cxloop bench ") as folder:
        Path(folder).chmod(0o755)
        os.environ.update(CX_HOME=str(Path(folder) / "home"), CX_LAND_SCHEDULE="", CX_DATASET="complete_journey")
        try:
            supervisor.up(settings())
            yield
        finally:
            supervisor.clean(settings())


def land(day: date, households: int | None) -> None:
    """Deliver, land and check every department up to `day`, without Airflow."""
    from expectations.raw_gate import check_raw
    from landing.contracts import departments
    from landing.land import land_department

    with step(f"landing up to {day}"):
        deliver(settings().exports_dir, day, households=households)
        for department in departments():
            land_department(department, day)
            check_raw(department, day)


def measure(client: AirflowClient, case: str, day: date, rounds: int) -> dict[str, float]:
    """Run plain dbt and the DAG in turns from the same state; mean seconds of both and of the DAG's parts."""
    runs = []
    for number in range(rounds):
        put_back(case)
        with step(f"{case}: plain dbt build"):
            plain = plain_build(day)
        put_back(case)
        with step(f"{case}: build_warehouse in Airflow"):
            runs.append({"plain_seconds": plain, **airflow_build(client, f"{case}_{number}", day)})
    found = {name: round(mean(run[name] for run in runs), 2) for name in runs[0]}
    return {"ratio": round(found["airflow_seconds"] / found["plain_seconds"], 3), **found}


def plain_build(day: date) -> float:
    """Seconds of one `dbt build` as a person types it."""
    project, target = str(ROOT / "dbt_project"), str(settings().home / "plain_dbt")
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "build", "--project-dir", project]
    command += ["--profiles-dir", project, "--target-path", target, "--log-path", target]
    command += ["--vars", f"{{as_of: {day}}}", "--threads", str(settings().dbt_threads)]
    command += ["--select", *SELECT, "--exclude", *EXCLUDE, "--indirect-selection", "buildable"]
    command += ["--exclude-resource-type", "unit_test"]
    started = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **warehouse.dbt_environment()}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return time.perf_counter() - started


def airflow_build(client: AirflowClient, run_id: str, day: date) -> dict[str, float]:
    """Seconds from the trigger to the end of the run, and what they are made of."""
    triggered = datetime.now().astimezone()
    client.trigger("build_warehouse", run_id, {"as_of": day.isoformat()})
    run = client.wait("build_warehouse", run_id, RUN_SECONDS, poll_seconds=0.5)
    if run["state"] != "success":
        raise RuntimeError(f"build_warehouse {run_id}: {run['state']}; logs in {settings().home}")
    tasks = client.task_instances("build_warehouse", run_id)
    work = sorted((task for task in tasks if task["operator"] != "ModelTask"), key=lambda task: task["start_date"])
    began, ended = moments(work, "start_date"), moments(work, "end_date")
    finish = datetime.fromisoformat(run["end_date"])
    return {
        "airflow_seconds": (finish - triggered).total_seconds(),
        "dbt": sum(task["duration"] for task in work if task["task_id"].endswith("dbt_build")),
        "gates": sum(task["duration"] for task in work if task["task_id"].startswith("check_")),
        "between_tasks": sum((begin - end).total_seconds() for end, begin in zip(ended, began[1:], strict=False)),
        "before_first_task": (began[0] - triggered).total_seconds(),
        "after_last_task": (finish - ended[-1]).total_seconds(),
    }


def moments(tasks: list[dict[str, Any]], field: str) -> list[datetime]:
    """The times of `field`, in the order of the tasks."""
    return [datetime.fromisoformat(task[field]) for task in tasks]


def keep(case: str) -> None:
    """Copy the warehouse aside as the state that every measurement of `case` begins with."""
    copy("cxloop", f"bench_{case}")


def put_back(case: str) -> None:
    """Make the warehouse what it was when `keep` was called; who may connect is not part of a copy."""
    copy(f"bench_{case}", "cxloop")
    bootstrap.bootstrap(settings())


def copy(source: str, target: str) -> None:
    """Replace the database `target` by a copy of `source`; whoever is connected to either is cut off."""
    connection = postgres.admin_connection(settings())
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (source,))
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(target)))
        cursor.execute(
            sql.SQL("create database {} template {} strategy file_copy owner cx_pipeline").format(
                sql.Identifier(target), sql.Identifier(source)
            )
        )
    connection.close()


def report(cases: dict[str, dict[str, float]]) -> None:
    """Print the table for people and the JSON for machines; the headline is the worse of the two cases."""
    table = Table(title="build_warehouse in Airflow over plain dbt build, seconds")
    for column in ("case", "plain", "Airflow", "ratio", *PARTS):
        table.add_column(column, justify="left" if column == "case" else "right")
    for case, found in cases.items():
        numbers = (found["plain_seconds"], found["airflow_seconds"], found["ratio"], *(found[part] for part in PARTS))
        table.add_row(case, *(f"{number:.2f}" for number in numbers))
    console.print(table)
    worst = max(cases.values(), key=lambda found: found["ratio"])
    headline = {name: worst[name] for name in ("ratio", "airflow_seconds", "plain_seconds")}
    print(json.dumps({**headline, **cases}))


if __name__ == "__main__":
    main()
