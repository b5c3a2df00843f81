"""Checksums see content and nothing else."""

import pytest

from runtime import warehouse as door
from runtime.checksums import checksums


@pytest.fixture
def table(warehouse):
    """An empty table in a schema of its own."""
    with door.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create schema sums; create table sums.t (a int, b text, _dlt_id text)")
    yield
    with door.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("drop schema sums cascade")


def sum_of(*rows: tuple) -> str:
    """Fill the table with exactly these rows and give its checksum."""
    with door.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("truncate sums.t")
        cursor.executemany("insert into sums.t values (%s, %s, %s)", rows)
    return checksums(["sums"])["sums.t"]


def test_order_and_bookkeeping_do_not_matter(table):
    """The same rows in another order, with other ids of the loader, give the same checksum."""
    assert sum_of((1, "x", "k1"), (2, None, "k2")) == sum_of((2, None, "k8"), (1, "x", "k9"))


@pytest.mark.parametrize(
    "rows",
    [
        [(1, "x", "k")],
        [(1, "x", "k"), (2, "", "k")],
        [(1, "x", "k"), (2, None, "k"), (2, None, "k")],
        [(2, "x", "k"), (1, None, "k")],
        [],
    ],
)
def test_any_change_of_content_shows(table, rows):
    """A missing row, an empty text for null, a doubled row, swapped values, no rows: each is seen."""
    assert sum_of(*rows) != sum_of((1, "x", "k"), (2, None, "k"))


def test_every_schema_is_covered_by_default(table):
    """Without a list, tables of all schemas are there and none of PostgreSQL's own."""
    names = checksums()
    assert "sums.t" in names
    assert not [name for name in names if name.startswith(("pg_", "information_schema"))]
