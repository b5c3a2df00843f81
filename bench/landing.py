"""Landing the till lines of a year against plain COPY of the same files: `python -m bench.landing`.

`--company nordhaus --people N`: ten departments of the simulated company instead (`bench/nordhaus/landing.py`).

Ours is `land_department("till", ...)`: hash, check, read, add batch and row number, load by dlt, keep the ledger. The
floor is one transaction that copies the same 365 daily files into a table of the same eleven text columns, unchecked
and without lineage; a second floor also stores the two lineage columns. All run on the same server, in turn, after one
uncounted landing that imports dlt; the figure is the median.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from psycopg2 import sql

from bench.nordhaus import landing as nordhaus
from landing.contracts import load_contract
from landing.land import land_department
from runtime import bootstrap, home, postgres
from runtime.settings import PREFIX, settings
from runtime.warehouse import transaction
from simulator.complete_journey import deliver

LAST_DAY = date(2017, 12, 31)
OUR_TABLES = ("transactions", "_batches", "_landings", "_malformed_lines", "_dlt_loads", "_dlt_version")


def main() -> None:
    """Measure on an embedded server of its own, print a table and the JSON line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--company", choices=("complete_journey", "nordhaus"), default="complete_journey")
    arguments.add_argument("--people", type=int, default=10_000, help="people of Nordhaus (default: 10,000)")
    arguments.add_argument("--days", type=int, default=180, help="days of Nordhaus' history (default: 180)")
    arguments.add_argument("--alternations", type=int, help="counted turns (default: 7, at least 5; Nordhaus: 3)")
    given = arguments.parse_args()
    if given.company == "nordhaus":
        nordhaus.measure(given.people, given.days, given.alternations or 3)
        return
    alternations = max(given.alternations or 7, 5)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder:
        os.environ |= {"CX_HOME": str(Path(folder) / "home"), "CX_DATASET": "complete_journey"}
        os.environ["CX_EXPORTS_DIR"] = str(Path(folder) / "exports")
        given = settings()
        deliver(given.exports_dir, LAST_DAY)
        try:
            postgres.start(given)
            bootstrap.bootstrap(given)
            _report(*_alternate(given.exports_dir, alternations))
        finally:
            postgres.stop(given)
            home.remove(given)


def _alternate(exports_dir: Path, alternations: int) -> tuple[int, dict[str, list[float]]]:
    """Return the rows and the seconds of each turn; the first turn is not counted."""
    seconds: dict[str, list[float]] = {"ours": [], "copy": [], "copy_with_lineage": []}
    rows = _land()[0]
    for _ in range(alternations):
        for name, run in (
            ("copy", lambda: _copy(exports_dir, lineage=False)),
            ("ours", _land),
            ("copy_with_lineage", lambda: _copy(exports_dir, lineage=True)),
        ):
            copied, took = run()
            if copied != rows:
                raise SystemExit(f"{name} moved {copied} rows instead of {rows}: the comparison is void.")
            seconds[name].append(took)
    return rows, seconds


def _land() -> tuple[int, float]:
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        for table in OUR_TABLES:
            cursor.execute(sql.SQL("drop table if exists {}").format(sql.Identifier("raw_till", table)))
    start = time.perf_counter()
    report = land_department("till", LAST_DAY)
    return report.row_count, time.perf_counter() - start


def _copy(exports_dir: Path, lineage: bool) -> tuple[int, float]:
    """Copy every daily file in one transaction; with `lineage` two more columns are filled by their defaults."""
    columns = sql.SQL(", ").join(map(sql.Identifier, load_contract("till").entity("transactions").column_names))
    typed = sql.SQL(", ").join(
        sql.SQL("{} text").format(sql.Identifier(name))
        for name in load_contract("till").entity("transactions").column_names
    )
    extra = sql.SQL(
        ", _batch_id text default 'transactions/2017-12-31/0123456789ab', _row_number bigint default 1"
        if lineage
        else ""
    )
    table = sql.Identifier("raw_till", "plain_copy")
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists {}").format(table))
        cursor.execute(sql.SQL("create table {} ({}{})").format(table, typed, extra))
    statement = sql.SQL("copy {} ({}) from stdin (format csv, header)").format(table, columns)
    rows, start = 0, time.perf_counter()
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        for path in sorted((exports_dir / "till").glob("*.csv")):
            with path.open("rb") as file:
                cursor.copy_expert(statement, file, size=1 << 16)
            rows += cursor.rowcount
    return rows, time.perf_counter() - start


def _report(rows: int, seconds: dict[str, list[float]]) -> None:
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load average {load:.1f}")
    print(f"{rows:,} rows in 365 files")
    print(f"{'':20}{'median s':>10}{'min s':>8}{'max s':>8}{'rows/s':>12}")
    for name, times in seconds.items():
        figures = f"{medians[name]:10.2f}{min(times):8.2f}{max(times):8.2f}{rows / medians[name]:12,.0f}"
        print(f"{name.replace('_', ' '):20}{figures}")
    result = {
        "ratio": round(medians["copy"] / medians["ours"], 3),
        "ratio_with_lineage": round(medians["copy_with_lineage"] / medians["ours"], 3),
        "seconds": round(medians["ours"], 3),
        "copy_seconds": round(medians["copy"], 3),
        "copy_with_lineage_seconds": round(medians["copy_with_lineage"], 3),
        "rows": rows,
        "alternations": len(seconds["ours"]),
        "load_average": round(load, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
