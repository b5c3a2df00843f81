"""The walk from exports to features without Airflow: `python -m bench.warehouse --people N [--days N]`.

Nordhaus is played for its history but `--days`, landed, checked, normalised, unified and dated: the full build. Then
each day more is an increment. Printed are the seconds of every step, the increment's share of the full build, rows of
what was built, and how well customers agree with the people who were played. `--keep FOLDER` leaves it.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import uvicorn
from rich.table import Table

from ml.identity.evaluation import quality
from runtime import bootstrap, home, ports, postgres
from runtime.progress import console
from runtime.secrets import secret
from runtime.settings import PREFIX, Settings, settings
from runtime.warehouse import read_frame, transaction
from simulator.nordhaus import catalogue
from simulator.nordhaus.api import application
from simulator.nordhaus.company import SEED

LAST = catalogue.FIRST_DAY + timedelta(days=catalogue.HISTORY_DAYS - 1)
# Nobody waits for a rate limit here; tests/simulator shows that landing does.
REQUESTS_PER_SECOND = 10_000
COUNTED = ("marts.customers", "marts.customer_activities", "features.customer_features")
BUILT = ("normalise", "evidence", "resolve", "marts", "check marts", "publish marts", "features", "check features")


def main() -> None:
    """Play, build, measure; print the tables and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    parser.add_argument("--days", type=int, default=1, help="days after the full build (default: 1)")
    parser.add_argument("--keep", type=Path, help="build here and leave it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder:
        place = given.keep or Path(folder) / "home"
        with company(place, given.people, keep=bool(given.keep)) as home_settings:
            days = [LAST - timedelta(days=number) for number in range(given.days, -1, -1)]
            steps = [a_day(home_settings, day) for day in days]
            results = {"people": given.people, **figures(home_settings), **shares(steps)}
    show(days, steps, results)
    print(json.dumps(results))


@contextmanager
def company(place: Path, people: int, keep: bool) -> Iterator[Settings]:
    """A warehouse of its own beside the company's shop and APIs, for the block."""
    from runtime import demo_company

    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= {"CX_HOME": str(place), "CX_DATASET": "nordhaus", "CX_DEMO_PEOPLE": str(people)}
    given = settings()
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        ports.choose(given, "nordhaus")
        demo_company.open_company(given)
        tokens = {name: secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
        app = application(given.home / "nordhaus", tokens, SEED, per_second=REQUESTS_PER_SECOND)
        port = ports.remembered(given, "nordhaus")
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        yield given
        server.should_exit = True
    finally:
        postgres.stop(given)
        if not keep:
            home.remove(given)


def a_day(given: Settings, day: date) -> dict[str, float]:
    """Let a day come and build it as the DAGs do; seconds by step."""
    from activation.marts import begin_build, publish_marts
    from dags.wiring.dbt_group import MARTS, NOT_MARTS, STAGED
    from dags.wiring.dbt_run import build
    from expectations.gate import run_gate
    from expectations.raw_gate import check_raw
    from landing.contracts import departments
    from landing.land import land_department
    from ml.identity.resolve import resolve_customers
    from normalisation.normalise import normalise_values
    from runtime.demo_company import play_company

    def dbt(places: list[str], but_not: Sequence[str] = (), marts_in: str = "marts") -> None:
        paths = [[f"path:{place}" for place in each] for each in (places, but_not)]
        build(day, *paths, marts_in=marts_in)

    seconds = {"play": timed(lambda: play_company(given, day))}
    for name, each in (("land", land_department), ("check raw", check_raw)):
        seconds[name] = timed(lambda each=each: [each(department, day) for department in departments()])
        console.print(f"  {day}: {name} ({seconds[name]:.0f} s)")
    for name, do in (
        ("normalise", lambda: normalise_values(day)),
        ("evidence", lambda: dbt(STAGED)),
        ("resolve", lambda: resolve_customers(day)),
        ("marts", lambda: dbt(MARTS, NOT_MARTS, begin_build(day))),
        ("check marts", lambda: run_gate("marts.customers", day)),
        ("publish marts", lambda: publish_marts(day)),
        ("features", lambda: dbt(["models/features"])),
        ("check features", lambda: run_gate("features.customer_features", day)),
    ):
        seconds[name] = timed(do)
        console.print(f"  {day}: {name} ({seconds[name]:.0f} s)")
    return seconds


def timed(do: Callable[[], object]) -> float:
    """Seconds that a step took."""
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def shares(steps: list[dict[str, float]]) -> dict[str, float]:
    """Seconds of the full build and the median increment, from `normalise` on, and their ratio."""
    full, *days = [sum(step[name] for name in BUILT) for step in steps]
    if not days:
        return {"full_seconds": round(full, 1)}
    day = statistics.median(days)
    return {"full_seconds": round(full, 1), "day_seconds": round(day, 1), "ratio": round(day / full, 4)}


def figures(given: Settings) -> dict[str, float]:
    """Rows of what was built, and customers against the people who were played."""
    counted = {}
    for table in COUNTED:
        with transaction() as connection:
            counted[table] = int(read_frame(connection, f"select count(*) as rows from {table}")["rows"][0])
    with transaction() as connection:
        query = (
            "select source_key, customer_id from identity.entity_customers where entity_kind in ('account', 'contact')"
        )
        found = read_frame(connection, query)
    files = sorted((given.home / "nordhaus" / "truth" / "records").glob("*.parquet"))
    truth = pd.concat(people_of(file) for file in files)
    found["person"] = found["source_key"].map(truth.groupby(level=0).first())
    seen = asdict(quality(found["customer_id"], found["person"]))
    return {**counted, **{name: round(value, 4) for name, value in seen.items()}}


def people_of(file: Path) -> pd.Series:
    """Whose the accounts and contacts of a day are; a contact's key in the truth ends with the moment of the change."""
    truth = pd.read_parquet(file, columns=["department", "entity", "record_key", "person"])
    table = truth["department"].astype(str) + "." + truth["entity"].astype(str)
    truth = truth[table.isin(["crm.contacts", "shop.accounts"])]
    return truth.set_index(truth["record_key"].str.split("|").str[0])["person"]


def show(days: list[date], steps: list[dict[str, float]], results: dict) -> None:
    """Print the seconds by step, and the results."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    shown = days[:1] + days[1:][-3:]
    table = Table(title=f"{results['people']:,} people; seconds; {machine}")
    for title in ("step", *map(str, shown)):
        table.add_column(title)
    for name in steps[0]:
        table.add_row(name, *(f"{steps[days.index(day)][name]:.1f}" for day in shown))
    console.print(table)
    for name, value in results.items():
        console.print(f"  {name}: {value:,}")


if __name__ == "__main__":
    main()
