"""Read an entity from a department's database, through SQLAlchemy, as text."""

import datetime
from itertools import chain

import pyarrow as pa
import sqlalchemy

from landing.contracts import Contract, Entity
from landing.pulls import SourceUnavailable, Window
from landing.readers import Content, Refused, content_of_columns
from landing.text import as_text
from runtime.secrets import department_variable
from runtime.settings import settings

ROWS_AT_ONCE = 50_000  # fetched from the server's cursor at a time


def fetch_table(contract: Contract, entity: Entity, window: Window) -> Content:
    """Read the rows of the entity's table whose cursor lies in the window, in the order of cursor and keys.

    Raises SourceUnavailable if the database does not answer, Refused if the table is not what the contract says.
    """
    engine = sqlalchemy.create_engine(_url(contract), poolclass=sqlalchemy.NullPool)
    try:
        with engine.connect() as connection:
            table = _table(connection, entity)
            result = connection.execution_options(stream_results=True).execute(_query(table, entity, window))
            parts = [_columns(rows, table) for rows in result.partitions(ROWS_AT_ONCE)]
    except sqlalchemy.exc.SQLAlchemyError as problem:
        # The driver's own words, without the statement and without the address, which may hold a password.
        said = str(getattr(problem, "orig", None) or type(problem).__name__).strip().splitlines()[0]
        raise SourceUnavailable(
            f"{contract.department}: the database in {contract.source.url_variable} cannot be read: {said}"
        ) from None
    names = [column.name for column in table.columns]
    return content_of_columns(
        entity,
        pa.table({name: pa.array(chain.from_iterable(part[name] for part in parts), pa.string()) for name in names}),
    )


def _url(contract: Contract) -> sqlalchemy.URL:
    variable = contract.source.url_variable
    text = department_variable(settings(), variable)
    if not text:
        raise SourceUnavailable(f"{contract.department}: set {variable} to the URL of the department's database.")
    try:
        url = sqlalchemy.make_url(text)
    except sqlalchemy.exc.ArgumentError:
        raise SourceUnavailable(f"{contract.department}: {variable} is no database URL.") from None
    # SQLAlchemy 2.1 reads plain postgresql:// as psycopg 3, which is not installed.
    return url.set(drivername="postgresql+psycopg2") if url.drivername in ("postgresql", "postgres") else url


def _table(connection: sqlalchemy.Connection, entity: Entity) -> sqlalchemy.Table:
    schema, _, name = entity.table.rpartition(".")
    try:
        return sqlalchemy.Table(name, sqlalchemy.MetaData(), schema=schema or None, autoload_with=connection)
    except sqlalchemy.exc.NoSuchTableError:
        raise Refused(f"the database has no table {entity.table}, or does not let us read it") from None


def _query(table: sqlalchemy.Table, entity: Entity, window: Window) -> sqlalchemy.Select:
    source_names = {column.name: column.source_name for column in entity.columns}
    order = [table.c.get(source_names[name]) for name in ([entity.cursor] if entity.cursor else []) + [*entity.keys]]
    query = sqlalchemy.select(table).order_by(*[column for column in order if column is not None])
    cursor = table.c.get(source_names.get(entity.cursor, ""))
    if cursor is None:  # without a cursor, or a column that the check of the columns will miss in a moment
        return query
    if window.after is not None:
        query = query.where(cursor > _as_source(cursor, window.after, window))
    if window.before is not None:
        query = query.where(cursor < _as_source(cursor, window.before, window))
    return query


def _as_source(column: sqlalchemy.Column, value: object, window: Window) -> object:
    """Drop the offset of a timestamp where the source keeps none."""
    if isinstance(value, datetime.datetime) and not getattr(column.type, "timezone", False):
        return value.astimezone(window.zone).replace(tzinfo=None)
    return value


def _columns(rows: list[sqlalchemy.Row], table: sqlalchemy.Table) -> dict[str, list[str | None]]:
    names = [column.name for column in table.columns]
    return {
        name: [as_text(value) for value in values] for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }
