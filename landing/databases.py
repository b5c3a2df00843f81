"""Read an entity from a department's database, through SQLAlchemy, as text."""

import datetime
from collections.abc import Iterator

import pyarrow as pa
import sqlalchemy

from landing import pulls
from landing.contracts import Contract, Entity
from landing.pulls import SourceUnavailable, Window
from landing.readers import Content, Refused, content_of_columns
from landing.text import values_as_text
from runtime.secrets import department_variable
from runtime.settings import settings


def fetch_table(contract: Contract, entity: Entity, window: Window) -> Iterator[Content]:
    """Read the rows of the entity's table whose cursor lies in the window, in the order of cursor and keys, in parts.

    Raises SourceUnavailable if the database does not answer, Refused if the table is not what the contract says.
    """
    engine = sqlalchemy.create_engine(_url(contract), poolclass=sqlalchemy.NullPool)
    try:
        with engine.connect() as connection:
            table = _table(connection, entity)
            result = connection.execution_options(stream_results=True).execute(_query(table, entity, window))
            nothing = pa.table({column.name: pa.array([], pa.string()) for column in table.columns})
            parts = (_columns(rows, table) for rows in result.partitions(pulls.ROWS_AT_ONCE))
            if entity.load == "snapshot":
                parts = iter([pa.concat_tables([nothing, *parts])])
            first = next(parts, nothing)
            yield content_of_columns(entity, first)
            for part in parts:
                yield content_of_columns(entity, part)
    except sqlalchemy.exc.SQLAlchemyError as problem:
        # The driver's own words, without the statement and without the address, which may hold a password.
        said = str(getattr(problem, "orig", None) or type(problem).__name__).strip().splitlines()[0]
        raise SourceUnavailable(
            f"{contract.department}: the database in {contract.source.url_variable} cannot be read: {said}"
        ) from None


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
    found = {
        column.name: table.c[name] for column in entity.columns for name in column.source_names[::-1] if name in table.c
    }
    order = ([entity.cursor] if entity.cursor else []) + [*entity.keys]
    query = sqlalchemy.select(table).order_by(*[found[name] for name in order if name in found])
    cursor = found.get(entity.cursor)
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


def _columns(rows: list[sqlalchemy.Row], table: sqlalchemy.Table) -> pa.Table:
    names = [column.name for column in table.columns]
    columns = zip(*rows, strict=True)
    return pa.table({name: values_as_text(values) for name, values in zip(names, columns, strict=True)})
