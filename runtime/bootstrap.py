"""Databases, roles, schemas and rights, made or brought up to date at every start; running it twice changes nothing."""

from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from runtime import postgres, warehouse
from runtime.company import contract_files
from runtime.secrets import secret
from runtime.settings import Settings

SCHEMAS = (
    *("quarantine", "normalised", "staging", "intermediate", "identity", "vocabulary"),
    *("marts", "marts_blue", "marts_green", "features", "scores", "decisions"),
    *("activation", "insights", "quality", "privacy"),
)
# Which role may enter which schemas. What it may read there: RIGHTS_ON_NEW_TABLES, the rooms' schema.sql, and dbt
# (column by column on marts and insights, so that no personal data reaches cx_bi).
ENTERS = {
    "cx_bi": ("marts", "insights", "quality"),
    "cx_agent": ("activation", "marts"),
    "cx_privacy": ("privacy",),
}
# On every table that cx_pipeline makes later in the schema: (schema, role, rights).
RIGHTS_ON_NEW_TABLES = (
    ("quality", "cx_bi", "select"),
    ("activation", "cx_agent", "select"),
    ("privacy", "cx_privacy", "select, insert, update, delete"),
)
# Each room owns its tables; bootstrap runs the files as cx_pipeline in this order.
ROOM_SCHEMAS = ("expectations", "normalisation", "ml", "ml/identity", "activation", "privacy")
OLDEST_SERVER = 160000  # pg_input_is_valid and per-grant inheritance came with 16
LOCK = 7_203_441  # any number of our own: two bootstraps at a time would trip over each other's rights


class BootstrapError(RuntimeError):
    """The warehouse cannot be prepared; the message says what to do."""


def bootstrap(settings: Settings) -> None:
    """Make the metadata databases on the embedded server and the warehouse where the settings put it."""
    _metadata_databases(settings)
    prepare_warehouse(settings)


def prepare_warehouse(settings: Settings) -> None:
    """Make the warehouse's part only: what production needs, where Airflow and MLflow have a database elsewhere."""
    with _warehouse_admin(settings) as admin:
        _check_server(admin)
        _roles(settings, admin, warehouse.ROLES)
        _open_database(admin, embedded=settings.warehouse_url is None)
    with warehouse.transaction("cx_pipeline") as owner:
        _execute(owner, "select pg_advisory_xact_lock(%s)", LOCK)
        _schemas(owner)
    for department in departments(settings):
        open_raw_schema(department)
    for room in ROOM_SCHEMAS:
        _room_schema(settings, room)


def departments(settings: Settings) -> list[str]:
    """Name the departments that have a contract: a new file there gets its schema at the next start."""
    return sorted(contract_files(settings))


def open_raw_schema(department: str) -> str:
    """Make the schema `raw_<department>`, owned by cx_landing and readable by cx_pipeline; return its name.

    cx_landing may not make schemas itself: so a stolen landing password cannot leave the raw data.
    """
    name = f"raw_{department}"
    with warehouse.transaction("cx_pipeline") as owner:
        _execute(owner, "select pg_advisory_xact_lock(%s)", LOCK)
        _execute(owner, "create schema if not exists {} authorization cx_landing", sql.Identifier(name))
        _execute(owner, "set local role cx_landing")
        _execute(owner, "grant usage on schema {} to cx_pipeline", sql.Identifier(name))
        _execute(owner, "grant select on all tables in schema {} to cx_pipeline", sql.Identifier(name))
        _execute(
            owner,
            "alter default privileges in schema {} grant select on tables to cx_pipeline",
            sql.Identifier(name),
        )
    return name


def _metadata_databases(settings: Settings) -> None:
    """Make the databases of Airflow and MLflow, each owned by a role of its own, and the embedded warehouse's."""
    with _closing(postgres.admin_connection(settings)) as admin:
        _execute(admin, "select pg_advisory_lock(%s)", LOCK)
        _roles(settings, admin, warehouse.METADATA_ROLES)
        owners = {role: role for role in warehouse.METADATA_ROLES}
        if settings.warehouse_url is None:
            owners[warehouse.DATABASE] = postgres.ADMIN
        for database, owner in owners.items():
            if not _value(admin, "select 1 from pg_database where datname = %s", database):
                _execute(admin, "create database {} owner {}", sql.Identifier(database), sql.Identifier(owner))
        for database in [*owners, "postgres", "template1"]:
            _execute(admin, "revoke all on database {} from public", sql.Identifier(database))


@contextmanager
def _warehouse_admin(settings: Settings):
    """Connect to the warehouse's database as the account that may make roles there."""
    try:
        if settings.warehouse_url is None:
            admin = postgres.admin_connection(settings, warehouse.DATABASE)
        else:
            admin = psycopg2.connect(**warehouse.outside(settings.warehouse_url), connect_timeout=10)
            admin.autocommit = True
    except psycopg2.OperationalError as refusal:
        raise BootstrapError(
            f"Cannot connect to the warehouse: {str(refusal).strip()}. Check CX_WAREHOUSE_URL."
        ) from None
    with _closing(admin):
        _execute(admin, "select pg_advisory_lock(%s)", LOCK)
        yield admin


def _check_server(admin: Connection) -> None:
    if admin.server_version < OLDEST_SERVER:
        raise BootstrapError(f"The warehouse runs PostgreSQL {admin.server_version // 10000}; 16 or newer is needed.")
    query = """
        select
            rolsuper or rolcreaterole,
            rolsuper or has_database_privilege(current_database(), 'create with grant option'),
            current_user,
            current_database()
        from pg_roles where rolname = current_user
    """
    makes_roles, grants, user, database = _row(admin, query)
    if not (makes_roles and grants):
        raise BootstrapError(
            f"The account {user} in CX_WAREHOUSE_URL may not prepare the warehouse. As an administrator of that server "
            f'run: alter role "{user}" createrole; alter database "{database}" owner to "{user}"; then start again.'
        )


def _roles(settings: Settings, admin: Connection, names: tuple[str, ...]) -> None:
    """Make the roles, and set each password to the one in our secrets; only its scram verifier travels."""
    for name in names:
        role = sql.Identifier(name)
        if not _value(admin, "select 1 from pg_roles where rolname = %s", name):
            _execute(admin, "create role {} login", role)
        verifier = encrypt_password(secret(settings, f"postgres_{name}"), name, admin, "scram-sha-256")
        try:
            _execute(admin, "alter role {} login password %s", role, verifier)
            _execute(admin, "alter role {} set timezone to 'UTC'", role)
        except psycopg2.errors.InsufficientPrivilege:
            raise BootstrapError(
                f"The role {name} exists on the warehouse's server and belongs to another account. Let an "
                f"administrator drop it, or run: grant {name} to <the account of CX_WAREHOUSE_URL> with admin option."
            ) from None


def _open_database(admin: Connection, embedded: bool) -> None:
    """Let the roles into the warehouse's database; nobody but cx_pipeline makes schemas."""
    database = sql.Identifier(_value(admin, "select current_database()"))
    for role in map(sql.Identifier, warehouse.ROLES):
        _execute(admin, "grant connect on database {} to {}", database, role)
    _execute(admin, "grant create, temporary on database {} to cx_pipeline", database)
    _execute(admin, "grant temporary on database {} to cx_landing", database)
    # cx_pipeline makes the raw schemas *for* cx_landing, so it may become cx_landing, but does not have its rights.
    _execute(admin, "grant cx_landing to cx_pipeline with inherit false, set true")
    if embedded:
        # On an outside server, who else may use `public` is up to its administrator.
        _execute(admin, "revoke all on schema public from public")


def _schemas(owner: Connection) -> None:
    for name in SCHEMAS:
        _execute(owner, "create schema if not exists {}", sql.Identifier(name))
    for role, entered in ENTERS.items():
        for name in entered:
            _execute(owner, "grant usage on schema {} to {}", sql.Identifier(name), sql.Identifier(role))
    for name, role, rights in RIGHTS_ON_NEW_TABLES:
        schema, reader = sql.Identifier(name), sql.Identifier(role)
        words = sql.SQL(rights)
        _execute(owner, "alter default privileges in schema {} grant {} on tables to {}", schema, words, reader)
        _execute(owner, "grant {} on all tables in schema {} to {}", words, schema, reader)


def _room_schema(settings: Settings, room: str) -> None:
    """Run the room's own schema.sql in one transaction as cx_pipeline, if the room has one."""
    path: Path = settings.root / room / "schema.sql"
    if not path.exists():
        return
    with warehouse.transaction("cx_pipeline") as owner, owner.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        try:
            cursor.execute(path.read_text())
        except psycopg2.Error as error:
            raise BootstrapError(f"{room}/schema.sql: {str(error).strip()}") from error


@contextmanager
def _closing(connection: Connection):
    try:
        yield connection
    finally:
        connection.close()


def _execute(connection: Connection, statement: str, *values) -> None:
    """Run one statement: identifiers and keywords fill its `{}`, other values its `%s`."""
    names = [value for value in values if isinstance(value, sql.Composable)]
    plain = [value for value in values if not isinstance(value, sql.Composable)]
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*names), plain or None)


def _row(connection: Connection, query: str, *values) -> tuple | None:
    with connection.cursor() as cursor:
        cursor.execute(query, values or None)
        return cursor.fetchone()


def _value(connection: Connection, query: str, *values):
    row = _row(connection, query, *values)
    return row[0] if row else None
