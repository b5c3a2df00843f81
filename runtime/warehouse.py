"""The one door to the warehouse: URLs, transactions, and frames in and out by COPY."""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pandas
import psycopg2
import pyarrow
import pyarrow.csv
import sqlalchemy
from psycopg2 import sql

from runtime import ports
from runtime.secrets import secret
from runtime.settings import Settings, settings

DATABASE = "cxloop"
# Roles that log in to the warehouse, and the two that own a metadata database of their own.
ROLES = ("cx_pipeline", "cx_landing", "cx_bi", "cx_agent", "cx_privacy")
METADATA_ROLES = ("airflow", "mlflow")

# Arrow types by PostgreSQL type. What is not here (json, arrays, uuid, interval, enums) arrives as text.
ARROW_TYPES = {
    "int2": pyarrow.int64(),
    "int4": pyarrow.int64(),
    "int8": pyarrow.int64(),
    "float4": pyarrow.float64(),
    "float8": pyarrow.float64(),
    "numeric": pyarrow.float64(),
    "bool": pyarrow.bool_(),
    "date": pyarrow.date32(),
    "timestamp": pyarrow.timestamp("us"),
    "timestamptz": pyarrow.timestamp("us", tz="UTC"),
}

Query = str | sql.Composable


class WarehouseError(RuntimeError):
    """The warehouse cannot be reached; the message says what to do."""


def address(role: str, given: Settings | None = None) -> dict[str, str]:
    """Give the connection parameters of `role` in libpq's names (host, port, user, password, dbname, ...).

    `airflow` and `mlflow` always live on the embedded server; the other roles where `CX_WAREHOUSE_URL` points.
    """
    given = given or settings()
    if role not in ROLES + METADATA_ROLES:
        raise WarehouseError(f"There is no role {role}. Roles: {', '.join(ROLES + METADATA_ROLES)}.")
    is_outside = given.warehouse_url is not None and role in ROLES
    port = ports.remembered(given, "postgres")
    if port is None and not is_outside:
        raise WarehouseError("The embedded PostgreSQL has not been started yet: run `make up`.")
    login = {"user": role, "password": secret(given, f"postgres_{role}")}
    if is_outside:
        return {**outside(given.warehouse_url), **login}
    dbname = DATABASE if role in ROLES else role
    return {"host": ports.HOST, "port": str(port), "dbname": dbname, **login}


def outside(warehouse_url: str) -> dict[str, str]:
    """Take `CX_WAREHOUSE_URL` apart into libpq's parameters, with its account."""
    parts = urlsplit(warehouse_url)
    known = {
        "host": parts.hostname,
        "port": str(parts.port or 5432),
        "dbname": unquote(parts.path.lstrip("/")),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return {**dict(parse_qsl(parts.query)), **{name: value for name, value in known.items() if value}}


def without_login(warehouse_url: str) -> str:
    """Take the account and its password out of a URL; an empty text stays empty."""
    parts = urlsplit(warehouse_url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def url(role: str, driver: str = "postgresql") -> str:
    """Write the connection URL of `role`; SQLAlchemy 2.1 needs the driver `postgresql+psycopg2`."""
    known = address(role)
    login = f"{quote(known.pop('user'))}:{quote(known.pop('password'), safe='')}"
    place = f"{known.pop('host')}:{known.pop('port')}/{quote(known.pop('dbname'))}"
    return f"{driver}://{login}@{place}" + (f"?{urlencode(known)}" if known else "")


def engine(role: str) -> sqlalchemy.Engine:
    """Make a SQLAlchemy engine that keeps no connection open between uses."""
    return sqlalchemy.create_engine(url(role, "postgresql+psycopg2"), poolclass=sqlalchemy.NullPool)


@contextmanager
def transaction(role: str = "cx_pipeline") -> Iterator[psycopg2.extensions.connection]:
    """Open one transaction as `role`: committed at the end, rolled back on any error, then closed."""
    connection = psycopg2.connect(**address(role), application_name=f"cxloop {os.getpid()}")
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def update_statistics(connection: psycopg2.extensions.connection, tables: Sequence[str]) -> None:
    """Let the planner look at the tables ("schema.name") that grew by more than a tenth since it last did.

    A table that was just filled has no statistics until autovacuum comes by, a minute later: until then a join guesses,
    and staging 90,000 sends took 90 s instead of one (`python -m bench.warehouse --people 5000`, 2026-11-26).
    """
    grown = "select relpages * 1.1 < pg_relation_size(oid) / 8192 from pg_class where oid = to_regclass(%s)"
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(grown, (table,))
            (has_grown,) = cursor.fetchone() or (False,)
            if has_grown:
                cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(*table.split(".", 1))))


def read_frame(
    connection: psycopg2.extensions.connection, query: Query, params: Sequence | Mapping | None = None
) -> pandas.DataFrame:
    """Read the rows of `query` by COPY, which is several times faster than fetching tuples.

    Types: integers int64 (float64 where there are nulls), numeric float64, date and timestamps datetime64 (timestamptz
    in UTC), text str, boolean bool (object where there are nulls); everything else as PostgreSQL prints it.
    An empty text stays different from null.
    """
    return read_table(connection, query, params).to_pandas(date_as_object=False)


def read_table(
    connection: psycopg2.extensions.connection, query: Query, params: Sequence | Mapping | None = None
) -> pyarrow.Table:
    """Read the rows of `query` by COPY as an Arrow table, types by `ARROW_TYPES`, everything else text."""
    with connection.cursor() as cursor:
        body = cursor.mogrify(query, params).decode().rstrip().rstrip(";")
        cursor.execute(f"select * from (\n{body}\n) as described limit 0")  # noqa: S608 values are already bound
        types = {column.name: column.type_code for column in cursor.description}
        cursor.execute("select oid, typname from pg_type where oid = any(%s::oid[])", (list(set(types.values())),))
        names = dict(cursor.fetchall())
        buffer = io.BytesIO()
        cursor.copy_expert(f"copy (\n{body}\n) to stdout (format csv, header true)", buffer)
    buffer.seek(0)
    return pyarrow.csv.read_csv(
        buffer,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: ARROW_TYPES.get(names[oid], pyarrow.string()) for name, oid in types.items()},
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def copy_frame(
    connection: psycopg2.extensions.connection,
    frame: pandas.DataFrame,
    table: str | sql.Composable,
    columns: Sequence[str] | None = None,
) -> int:
    """Append `frame` to `table` ("schema.table") by COPY and return the number of rows.

    `columns` picks and orders the frame's columns (default: all, by name). NaN and None become null.
    Lists and dictionaries are not accepted: hand jsonb over as JSON text.
    """
    chosen = list(columns) if columns is not None else list(frame.columns)
    target = sql.Identifier(*table.split(".")) if isinstance(table, str) else table
    return copy_table(connection, pyarrow.Table.from_pandas(frame[chosen], preserve_index=False), target)


def copy_table(connection: psycopg2.extensions.connection, rows: pyarrow.Table, target: sql.Composable) -> int:
    """Append an Arrow table to `target`, columns by name, by COPY; return the number of rows."""
    buffer = io.BytesIO()
    # One chunk a column: before an empty chunk of text write_csv writes NUL bytes (pyarrow 25.0.1).
    pyarrow.csv.write_csv(rows.combine_chunks(), buffer, pyarrow.csv.WriteOptions(include_header=False))
    buffer.seek(0)
    names = sql.SQL(", ").join(map(sql.Identifier, rows.column_names))
    with connection.cursor() as cursor:
        cursor.copy_expert(sql.SQL("copy {} ({}) from stdin (format csv)").format(target, names), buffer)
        return cursor.rowcount


def dbt_environment() -> dict[str, str]:
    """Give the environment variables that `dbt_project/profiles.yml` reads, and dbt's switches that keep it quiet."""
    known = address("cx_pipeline")
    return {
        "CX_PG_HOST": known["host"],
        "CX_PG_PORT": known["port"],
        "CX_PG_USER": known["user"],
        "CX_PG_PASSWORD": known["password"],
        "CX_PG_DBNAME": known["dbname"],
        "CX_PG_SSLMODE": known.get("sslmode", "prefer"),
        "CX_DATASET": settings().dataset,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # What dbt did stands in the log of its task and its SQL in CX_HOME/dbt/run; every detail once more in a file
        # was a fifth of a build's CPU time (py-spy, 2026-11-27).
        "DBT_LOG_LEVEL_FILE": "none",
        "DO_NOT_TRACK": "1",
    }
