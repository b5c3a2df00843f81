"""Landing Nordhaus (files of four formats, a database, two APIs) against plain COPY of the same rows.

Ours is `land_department` for each department, one after the other, each in a process of its own, so that its peak
memory is its own: ask or read, check, add batch and row number, load, keep the ledger. The floor copies the very rows
that were landed, ready-made CSV on disk, into equal tables, one transaction per department, without the two lineage
columns (`copy_with_lineage`: with them). What the APIs need to make their pages is in our time, as in life;
`asking` is what asking for these pages costs when nothing is made of them.

Then memory: the peak after half the history and after all of it. Then a day's increment: two days after half the
history and two days after all of it, with everything that was landed before in place.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from psycopg2 import sql
from rich.table import Table

from bench.nordhaus.stage import day_of, play, stage
from landing.contracts import departments, load_contract
from landing.ledger import LINEAGE
from runtime.progress import console
from runtime.warehouse import transaction

INCREMENTS = 2


@dataclass
class Measured:
    """What was measured of one department; seconds of each turn."""

    rows: int = 0
    ours: list[float] = field(default_factory=list)
    copy: list[float] = field(default_factory=list)
    copy_with_lineage: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)
    half_mb: float = 0.0
    full_mb: float = 0.0
    half_days: list[tuple[float, int]] = field(default_factory=list)  # seconds and rows of a day
    full_days: list[tuple[float, int]] = field(default_factory=list)


def measure(people: int, days: int, turns: int) -> None:
    """Play, land, copy, and print a table and the JSON line."""
    half = days // 2
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL does not run as root
        with stage(folder, people) as given:
            measured = {department: Measured() for department in departments()}
            play(given, folder, people, half)
            for department, one in measured.items():
                one.half_mb = _land(department, day_of(half))["peak_mb"]
            for day in range(half + 1, half + 1 + INCREMENTS):
                play(given, folder, people, day)
                for department, one in measured.items():
                    one.half_days.append(_seconds_and_rows(department, day_of(day)))
            play(given, folder, people, days)
            for _ in range(turns):
                for department, one in measured.items():
                    _turn(department, day_of(days), one, folder)
            for day in range(days + 1, days + 1 + INCREMENTS):
                play(given, folder, people, day)
                for department, one in measured.items():
                    one.full_days.append(_seconds_and_rows(department, day_of(day)))
    _report(people, days, measured)


def _land(department: str, day: date, how: str = "land") -> dict:
    command = [sys.executable, "-m", "bench.nordhaus.one_landing", department, day.isoformat(), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{department} was not landed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _seconds_and_rows(department: str, day: date) -> tuple[float, int]:
    landed = _land(department, day)
    return landed["seconds"], landed["rows"]


def _turn(department: str, day: date, one: Measured, folder: Path) -> None:
    """Land all from nothing, then copy the same rows twice; the landed ones stay."""
    schema = load_contract(department).raw_schema
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = %s", (schema,))
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, table)))
    landed = _land(department, day)
    one.rows, one.full_mb = landed["rows"], max(one.full_mb, landed["peak_mb"])
    one.ours.append(landed["seconds"])
    if load_contract(department).source.kind == "rest":
        one.asking.append(_land(department, day, "ask")["seconds"])
    for with_lineage, seconds in ((False, one.copy), (True, one.copy_with_lineage)):
        seconds.append(_copy(department, folder, with_lineage, one.rows))


def _copy(department: str, folder: Path, with_lineage: bool, rows: int) -> float:
    """Write the landed rows of the department to CSV, and return the seconds of copying them into equal tables."""
    schema = load_contract(department).raw_schema
    tables = [entity.name for entity in load_contract(department).entities]
    files = {table: folder / f"{department}.{table}.csv" for table in tables}
    columns = {}
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        for table, path in files.items():
            cursor.execute(
                "select column_name, data_type from information_schema.columns where table_schema = %s"
                " and table_name = %s and column_name not like '\\_dlt%%' order by ordinal_position",
                (schema, table),
            )
            described = [(name, kind) for name, kind in cursor.fetchall() if with_lineage or name not in LINEAGE]
            columns[table] = sql.SQL(", ").join(sql.Identifier(name) for name, _ in described)
            typed = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in described]
            with path.open("wb") as file:
                selected = sql.SQL("copy (select {} from {}) to stdout (format csv)")
                cursor.copy_expert(selected.format(columns[table], sql.Identifier(schema, table)), file)
            create = sql.SQL("create table {} ({})").format(_plain(schema, table), sql.SQL(", ").join(typed))
            cursor.execute(create)
    copied, started = 0, time.perf_counter()
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        for table, path in files.items():
            statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(_plain(schema, table), columns[table])
            with path.open("rb") as file:
                cursor.copy_expert(statement, file, size=1 << 16)
            copied += cursor.rowcount
    seconds = time.perf_counter() - started
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        for table, path in files.items():
            cursor.execute(sql.SQL("drop table {}").format(_plain(schema, table)))
            path.unlink()
    if copied != rows:
        raise SystemExit(f"{department}: {copied} rows were copied instead of {rows}: the comparison is void.")
    return seconds


def _plain(schema: str, table: str) -> sql.Identifier:
    return sql.Identifier(schema, f"plain_{table}")


def _report(people: int, days: int, measured: dict[str, Measured]) -> None:
    load = os.getloadavg()[0]
    half = days // 2
    title = f"Nordhaus, {people:,} people, {days} days: landing beside plain COPY (medians)"
    table = Table(title=title, caption=f"peak MB and a day's seconds: after {half} days > after {days} days")
    for column in (
        "department",
        "rows",
        "ours s",
        "asking s",
        "copy s",
        "ratio",
        "peak MB",
        "a day's s",
        "a day's rows",
    ):
        table.add_column(column, justify="left" if column == "department" else "right")
    for name, one in measured.items():
        ours, copy = statistics.median(one.ours), statistics.median(one.copy)
        table.add_row(
            name,
            f"{one.rows:,}",
            f"{ours:.2f}",
            f"{statistics.median(one.asking):.2f}" if one.asking else "",
            f"{copy:.2f}",
            f"{copy / ours:.2f}",
            f"{one.half_mb:.0f} > {one.full_mb:.0f}",
            " > ".join(f"{statistics.mean(s for s, _ in given):.2f}" for given in (one.half_days, one.full_days)),
            " > ".join(f"{statistics.mean(r for _, r in given):,.0f}" for given in (one.half_days, one.full_days)),
        )
    console.print(table)
    console.print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load {load:.1f}")
    rows = sum(one.rows for one in measured.values())
    ours, copy, lineage = (
        sum(statistics.median(getattr(one, name)) for one in measured.values())
        for name in ("ours", "copy", "copy_with_lineage")
    )
    handed = [one for one in measured.values() if not one.asking]
    handed_ours, handed_copy = (
        sum(statistics.median(getattr(one, name)) for one in handed) for name in ("ours", "copy")
    )
    day = {
        f"day_seconds_after_{after}": round(
            sum(statistics.mean(s for s, _ in getattr(one, name)) for one in measured.values()), 2
        )
        for after, name in ((half, "half_days"), (days, "full_days"))
    }
    result = {
        "ratio": round(copy / ours, 3),
        "ratio_with_lineage": round(lineage / ours, 3),
        "ratio_without_apis": round(handed_copy / handed_ours, 3),
        "asking_apis_seconds": round(sum(statistics.median(one.asking) for one in measured.values() if one.asking), 2),
        "seconds": round(ours, 2),
        "copy_seconds": round(copy, 2),
        "copy_with_lineage_seconds": round(lineage, 2),
        "rows": rows,
        "rows_per_second": round(rows / ours),
        "peak_rss_mb": {name: [round(one.half_mb), round(one.full_mb)] for name, one in measured.items()},
        **day,
        "people": people,
        "days": days,
        "alternations": len(next(iter(measured.values())).ours),
        "load_average": round(load, 1),
    }
    print(json.dumps(result))
