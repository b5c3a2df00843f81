"""Past days built again as of then: `python -m bench.time_travel --people N [--days N] [--dates N]`.

Nordhaus is played and built day by day, and on random days a snapshot is taken of every table of `marts` and
`features` and of whose each account is. When all days are over, each of these days is built again as of then, from raw
that holds what came later too, and compared with its snapshot, cell by cell.
"""

import argparse
import json
import os
import platform
import random
import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from psycopg2 import sql
from rich.table import Table

from activation.marts import begin_build
from bench.nordhaus.walk import LAST, build_day, company, dbt, land_day, timed
from dags.wiring.dbt_group import MARTS, NOT_MARTS, STAGED
from ml.identity.resolve import resolve_customers
from runtime.progress import console
from runtime.warehouse import transaction

OTHERS = (("identity", "entity_customers"), ("identity", "customer_history"))
# Which run wrote a row of the history: dates are gone back to in any order, so one run writes what several had.
BOOKKEEPING = "run"


@dataclass(frozen=True)
class Compared:
    """A day built again: cells compared, rows that are in one of both only, and in which tables."""

    day: date
    tables: int
    cells: int
    differing_rows: int
    where: list[str]


def main() -> None:
    """Play, build, go back, compare; print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200, help="people of Nordhaus (default: 200)")
    parser.add_argument("--days", type=int, default=30, help="days built one by one (default: 30)")
    parser.add_argument("--dates", type=int, default=20, help="of them compared, at random (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="draws the dates (default: 1)")
    given = parser.parse_args()
    if not 0 < given.dates < given.days:
        parser.error("--dates must be less than --days: the last day is not past.")
    days = [LAST - timedelta(days=number) for number in range(given.days - 1, -1, -1)]
    chosen = random.Random(given.seed).sample(days[:-1], given.dates)
    with (
        tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder,
        company(Path(folder) / "home", given.people) as platform_settings,
    ):
        for day in days:
            land_day(platform_settings, day, is_strict=False)
            build_day(day, is_strict=False, is_tested=False)
            if day in chosen:
                take_snapshot(day)
        compared = [go_back(day) for day in chosen]
    show(compared, given.people, given.days)


def take_snapshot(day: date) -> None:
    """Copy what readers of the day see."""
    with transaction() as connection, connection.cursor() as cursor:
        schema = snapshot(day)
        cursor.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        for source, name in tables(cursor, "marts"):
            copy = sql.Identifier(schema, f"{source}__{name}")
            cursor.execute(sql.SQL("create table {} as table {}").format(copy, sql.Identifier(source, name)))


def go_back(day: date) -> Compared:
    """Build a day again as of then and compare it with its snapshot."""
    side = begin_build(day)
    timed(
        day,
        evidence=lambda: dbt(day, STAGED, is_tested=False),
        resolve=lambda: resolve_customers(day),
        marts=lambda: dbt(day, MARTS, NOT_MARTS, side, is_tested=False),
        features=lambda: dbt(day, ["models/features"], (), side, is_tested=False),
    )
    with transaction() as connection, connection.cursor() as cursor:
        pairs = [(name, *compare(cursor, day, name, side)) for name in tables(cursor, side)]
    where = [f"{schema}.{name}: {rows}" for (schema, name), _, rows in pairs if rows]
    compared = Compared(day, len(pairs), sum(cells for _, cells, _ in pairs), sum(rows for *_, rows in pairs), where)
    console.print(f"  {day}: {compared.differing_rows} rows of {compared.tables} tables differ {', '.join(where)}")
    return compared


def tables(cursor, marts: str) -> list[tuple[str, str]]:
    """Tables to compare; those of the marts in the schema that holds them now."""
    cursor.execute(
        "select table_schema, table_name from information_schema.tables where table_schema in ('features', %s) "
        "order by 1, 2",
        (marts,),
    )
    return [*cursor.fetchall(), *OTHERS]


def compare(cursor, day: date, name: tuple[str, str], side: str) -> tuple[int, int]:
    """Count a table's cells in the snapshot, and the rows that only one of both has."""
    schema, table = name
    source = "marts" if schema == side else schema
    one, other = sql.Identifier(snapshot(day), f"{source}__{table}"), sql.Identifier(schema, table)
    cursor.execute(sql.SQL("select * from {} limit 0").format(one))
    columns = [column.name for column in cursor.description if column.name != BOOKKEEPING]
    cursor.execute(
        sql.SQL(
            "select (select count(*) from {one}), (select count(*) from ("
            "(select {all} from {one} except all select {all} from {other}) union all "
            "(select {all} from {other} except all select {all} from {one})) as differing)"
        ).format(one=one, other=other, all=sql.SQL(", ").join(map(sql.Identifier, columns)))
    )
    rows, differing = cursor.fetchone()
    return rows * len(columns), differing


def snapshot(day: date) -> str:
    """Name the schema of a day's snapshot."""
    return f"snapshot_{day:%Y%m%d}"


def show(compared: list[Compared], people: int, days: int) -> None:
    """Print a line per day and the JSON line."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{people:,} people, {days} days built one by one; days built again as of then; {machine}")
    for title in ("day", "tables", "cells", "differing rows", "where"):
        table.add_column(title, justify="left" if title in ("day", "where") else "right")
    for one in sorted(compared, key=lambda each: each.day):
        numbers = (f"{number:,}" for number in (one.tables, one.cells, one.differing_rows))
        table.add_row(str(one.day), *numbers, ", ".join(one.where))
    console.print(table)
    total = {name: sum(getattr(one, name) for one in compared) for name in ("cells", "differing_rows")}
    print(json.dumps({"people": people, "days": days, "dates": len(compared), **total}))


if __name__ == "__main__":
    main()
