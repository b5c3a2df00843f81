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
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from rich.table import Table

from bench.nordhaus.walk import LAST, build_day, company, dbt, land_day
from ml.identity.evaluation import quality
from runtime.progress import console
from runtime.settings import Settings
from runtime.warehouse import read_frame, transaction

COUNTED = ("marts.customers", "marts.customer_activities", "features.customer_features")
NOT_BUILT = ("play", "land", "check_raw")
READ_BY_BI = ["models/marts/outcomes", "models/insights"]  # bench.dashboards asks them


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
            steps = [land_day(home_settings, day) | build_day(day) for day in days]
            if given.keep:
                dbt(days[-1], READ_BY_BI, is_tested=False)
            results = {"people": given.people, **figures(home_settings), **shares(steps)}
    show(days, steps, results)
    print(json.dumps(results))


def shares(steps: list[dict[str, float]]) -> dict[str, float]:
    """Seconds of the full build and the median increment, from `normalise` on, and their ratio."""
    full, *days = [sum(spent for name, spent in step.items() if name not in NOT_BUILT) for step in steps]
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
