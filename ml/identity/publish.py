"""Rows into tables of the warehouse so that only what changed is written. All in the caller's transaction."""

from collections.abc import Sequence

import psycopg2
import pyarrow
from psycopg2 import sql

from runtime.warehouse import copy_table

Counts = tuple[int, int]  # rows removed, rows written


def identifier(table: str) -> sql.Identifier:
    """Quote "schema.table"."""
    return sql.Identifier(*table.split("."))


def make(connection: psycopg2.extensions.connection, table: str, columns: str) -> None:
    """Make a table if it is not there."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("create table if not exists {} ({})").format(identifier(table), sql.SQL(columns)))


def replace(connection: psycopg2.extensions.connection, table: str, rows: pyarrow.Table, keys: Sequence[str]) -> Counts:
    """Let a table hold exactly `rows`. Without `keys` any difference writes all anew."""
    name = identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select exists (select from {})").format(name))
        if not cursor.fetchone()[0]:
            return 0, copy_table(connection, rows, name)
        staged(connection, "fresh", table, rows)
        difference = sql.SQL("create temp table {} on commit drop as select {} from {} except select {} from {}")
        columns = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
        fresh = sql.Identifier("pg_temp", "fresh")
        for temporary, one, other in (("gone", name, fresh), ("come", fresh, name)):
            cursor.execute(sql.SQL("drop table if exists pg_temp.{}").format(sql.Identifier(temporary)))
            cursor.execute(difference.format(sql.Identifier(temporary), columns, one, columns, other))
        if not keys:
            cursor.execute("select exists (select from pg_temp.gone) or exists (select from pg_temp.come)")
            if not cursor.fetchone()[0]:
                return 0, 0
            cursor.execute(sql.SQL("delete from {}").format(name))
            return cursor.rowcount, copy_table(connection, rows, name)
        removed = delete(connection, name, "gone", keys)
        cursor.execute(sql.SQL("insert into {0} ({1}) select {1} from pg_temp.come").format(name, columns))
        return removed, cursor.rowcount


def exchange(
    connection: psycopg2.extensions.connection,
    table: str,
    gone: pyarrow.Table,
    come: pyarrow.Table,
    keys: Sequence[str],
) -> Counts:
    """Remove the rows `gone` by their keys and write the rows `come`."""
    staged(connection, "gone", table, gone)
    removed = delete(connection, identifier(table), "gone", keys)
    return removed, copy_table(connection, come, identifier(table))


def staged(connection: psycopg2.extensions.connection, temporary: str, table: str, rows: pyarrow.Table) -> None:
    """Write rows to a temporary table that looks like `table`."""
    name = sql.Identifier(temporary)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists pg_temp.{}").format(name))
        cursor.execute(sql.SQL("create temp table {} (like {}) on commit drop").format(name, identifier(table)))
        copy_table(connection, rows, sql.Identifier("pg_temp", temporary))
        cursor.execute(sql.SQL("analyze pg_temp.{}").format(name))


def delete(
    connection: psycopg2.extensions.connection, table: sql.Composable, temporary: str, keys: Sequence[str]
) -> int:
    """Delete the rows of a table that have the keys of a temporary table."""
    same = sql.SQL(" and ").join(sql.SQL("t.{0} = g.{0}").format(sql.Identifier(key)) for key in keys)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("delete from {} t using pg_temp.{} g where {}").format(table, sql.Identifier(temporary), same)
        )
        return cursor.rowcount
