"""The ledger of a department: which batch arrived, what became of it, and which runs are complete.

A run first registers its batches as `landing`, then loads their rows, then settles everything in one transaction. What
is still `landing` when the next run begins belongs to a run that was killed: its rows are removed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from landing.contracts import Contract, Entity
from landing.readers import ROW_NUMBER, MalformedLine
from runtime.warehouse import copy_frame

BATCH_ID = "_batch_id"
LINEAGE = {BATCH_ID: "text", ROW_NUMBER: "bigint"}

LEDGER_TABLES = """
    create table if not exists {schema}._batches (
        batch_id text primary key,
        entity text not null,
        source_name text not null,
        content_sha256 text not null,
        byte_count bigint not null,
        row_count bigint not null,
        delivered_date date not null,
        known_date date not null,
        as_of date not null,
        status text not null check (status in ('landing', 'landed', 'refused', 'duplicate', 'superseded')),
        reason text,
        highest_cursor text,
        replaces text
    );
    create table if not exists {schema}._landings (as_of date primary key);
    create table if not exists {schema}._malformed_lines (
        batch_id text not null,
        row_number bigint not null,
        line text not null,
        reason text not null,
        primary key (batch_id, row_number)
    );
"""
ADDED_LATER = {"highest_cursor": "text", "replaces": "text"}


@dataclass(frozen=True)
class Batch:
    """One row of `raw_<department>._batches`."""

    batch_id: str
    entity: str
    source_name: str
    content_sha256: str
    byte_count: int
    row_count: int
    delivered_date: date
    known_date: date
    as_of: date
    status: str
    reason: str | None = None
    highest_cursor: str | None = None  # of what was pulled; '' if no row has one that can be read
    replaces: str | None = None  # the batch that had landed from the file of this name before


def claim(connection: Connection, contract: Contract) -> bool:
    """Let one run at a time land this department, until the connection closes; False if another one is at it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(hashtextextended(%s, 0))", (contract.raw_schema,))
        return cursor.fetchone()[0]


def prepare(connection: Connection, contract: Contract) -> None:
    """Make the ledger and a table of text columns per entity, by batch; columns that the contract gained are added."""
    schema = sql.Identifier(contract.raw_schema)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(LEDGER_TABLES).format(schema=schema))
        present = _columns(cursor, contract, "_batches")
        for name, kind in ADDED_LATER.items():
            if name not in present:  # a ledger of an earlier version
                cursor.execute(sql.SQL(f"alter table {{}}._batches add column {name} {kind}").format(schema))
        for entity in contract.entities:
            table = _table(contract, entity.name)
            cursor.execute(sql.SQL("create table if not exists {} ()").format(table))
            wanted = {**dict.fromkeys(entity.column_names, "text"), **LINEAGE}
            # Adding nothing must not ask for a lock: somebody may be reading the table for minutes.
            present = _columns(cursor, contract, entity.name)
            for name in (name for name in wanted if name not in present):
                wanted_column = sql.SQL("alter table {} add column {} {}").format(
                    table, sql.Identifier(name), sql.SQL(wanted[name])
                )
                cursor.execute(wanted_column)
            _index_batches(cursor, contract, entity.name)


def _index_batches(cursor, contract: Contract, entity: str) -> None:
    """Rows are looked up by batch: a day must not read what came in all the days before."""
    name = f"{entity}_by_batch"
    cursor.execute("select to_regclass(%s) is null", (f'"{contract.raw_schema}"."{name}"',))
    if cursor.fetchone()[0]:
        index = sql.SQL("create index {} on {} ({})")
        cursor.execute(index.format(sql.Identifier(name), _table(contract, entity), sql.Identifier(BATCH_ID)))


def _columns(cursor, contract: Contract, table: str) -> set[str]:
    cursor.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        (contract.raw_schema, table),
    )
    return {name for (name,) in cursor.fetchall()}


def undo_unfinished(connection: Connection, contract: Contract) -> list[str]:
    """Remove the batches that a killed run left in `landing`, with their rows; return their names."""
    batches = sql.Identifier(contract.raw_schema, "_batches")
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select batch_id, entity from {} where status = 'landing'").format(batches))
        unfinished = cursor.fetchall()
        for entity in sorted({entity for _, entity in unfinished}):
            table = _table(contract, entity)
            # Waits for a COPY of the killed run that the server has not finished with yet.
            cursor.execute(sql.SQL("lock table {} in share row exclusive mode").format(table))
            names = [batch_id for batch_id, owner in unfinished if owner == entity]
            delete = sql.SQL("delete from {} where {} = any(%s)").format(table, sql.Identifier(BATCH_ID))
            cursor.execute(delete, (names,))
        cursor.execute(sql.SQL("delete from {} where status = 'landing'").format(batches))
    return sorted(batch_id for batch_id, _ in unfinished)


def known_batches(connection: Connection, contract: Contract) -> list[Batch]:
    """Read the whole ledger, oldest delivery first."""
    columns = [sql.Identifier(name) for name in Batch.__dataclass_fields__]
    query = sql.SQL("select {} from {} order by delivered_date, batch_id").format(
        sql.SQL(", ").join(columns), sql.Identifier(contract.raw_schema, "_batches")
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [Batch(*row) for row in cursor.fetchall()]


def register(connection: Connection, contract: Contract, batches: Sequence[Batch]) -> None:
    """Write batches into the ledger; a batch that was refused before is replaced by its new state."""
    if not batches:
        return
    table = f"{contract.raw_schema}._batches"
    with connection.cursor() as cursor:
        query = sql.SQL("delete from {} where batch_id = any(%s) and status = 'refused'")
        cursor.execute(query.format(sql.Identifier(*table.split("."))), ([batch.batch_id for batch in batches],))
    names = Batch.__dataclass_fields__
    frame = pandas.DataFrame({name: [getattr(batch, name) for batch in batches] for name in names})
    copy_frame(connection, frame, table)


def settle(
    connection: Connection, contract: Contract, as_of: date, malformed: Iterable[tuple[str, MalformedLine]]
) -> None:
    """Turn `landing` into `landed`, keep the malformed lines, and note that the run is complete."""
    lines = pandas.DataFrame(
        [(batch_id, line.row_number, line.line, line.reason) for batch_id, line in malformed],
        columns=["batch_id", "row_number", "line", "reason"],
    )
    if len(lines):
        copy_frame(connection, lines, f"{contract.raw_schema}._malformed_lines")
    with connection.cursor() as cursor:
        batches = sql.Identifier(contract.raw_schema, "_batches")
        cursor.execute(sql.SQL("update {} set status = 'landed' where status = 'landing'").format(batches))
        landings = sql.Identifier(contract.raw_schema, "_landings")
        cursor.execute(sql.SQL("insert into {} values (%s) on conflict do nothing").format(landings), (as_of,))


def highest_value(connection: Connection, contract: Contract, entity: Entity) -> str | None:
    """Look through all of raw for the highest value of the entity's cursor column, as text; None if there is none.

    Costs what the history costs: only for batches that do not say it themselves (`Batch.highest_cursor`).
    """
    kinds = {"integer": "numeric", "decimal": "numeric", "timestamp": "timestamptz", "date": "date"}
    kind = next(kinds.get(column.type, "text") for column in entity.columns if column.name == entity.cursor)
    query = sql.SQL(
        "select {cursor} from {table} where {cursor} is not null and pg_input_is_valid({cursor}, %s) "
        "order by cast({cursor} as {kind}) desc limit 1"
    ).format(cursor=sql.Identifier(entity.cursor), table=_table(contract, entity.name), kind=sql.SQL(kind))
    with connection.cursor() as cursor:
        cursor.execute(query, (kind,))
        row = cursor.fetchone()
    return row[0] if row else None


def _table(contract: Contract, entity: str) -> sql.Identifier:
    return sql.Identifier(contract.raw_schema, entity)
