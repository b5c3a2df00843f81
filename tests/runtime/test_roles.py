"""Each role is tried: what it needs works, what it must not do is refused by the server."""

import psycopg2
import pytest
from psycopg2 import errors

from runtime import bootstrap
from runtime import warehouse as door


@pytest.fixture(scope="module")
def probes(warehouse):
    """Make one table in each kind of schema, as the rooms and dbt would, and remove them afterwards."""
    bootstrap.open_raw_schema("probe")
    made = ["marts.probe", "insights.probe", "quality.probe", "activation.probe", "privacy.probe", "decisions.probe"]
    with door.transaction("cx_landing") as landing, landing.cursor() as cursor:
        cursor.execute("create table raw_probe.probe (customer_id text, email text)")
    with door.transaction() as pipeline, pipeline.cursor() as cursor:
        for table in made:
            cursor.execute(f"create table {table} (customer_id text, email text)")
        cursor.execute("grant select (customer_id) on marts.probe to cx_bi")
    yield
    with door.transaction() as pipeline, pipeline.cursor() as cursor:
        for table in made:
            cursor.execute(f"drop table {table}")
    with door.transaction("cx_landing") as landing, landing.cursor() as cursor:
        cursor.execute("drop schema raw_probe cascade")


ALLOWED = [
    ("cx_pipeline", "select * from raw_probe.probe"),
    ("cx_pipeline", "create schema scratch; drop schema scratch"),
    ("cx_pipeline", "insert into marts.probe values ('1', 'a@example.org')"),
    ("cx_landing", "insert into raw_probe.probe values ('1', 'a@example.org')"),
    ("cx_landing", "create table raw_probe.made (n int); drop table raw_probe.made"),
    ("cx_bi", "select customer_id from marts.probe"),
    ("cx_bi", "select * from quality.probe"),
    ("cx_agent", "select * from activation.probe"),
    ("cx_privacy", "insert into privacy.probe values ('1', 'a@example.org')"),
    ("airflow", "create table probe (n int); drop table probe"),
    ("mlflow", "create table probe (n int); drop table probe"),
]

REFUSED = [
    ("cx_pipeline", "insert into raw_probe.probe values ('2', 'raw stays as landed')"),
    ("cx_pipeline", "create role intruder"),
    ("cx_landing", "select * from marts.probe"),
    ("cx_landing", "create table marts.made (n int)"),
    ("cx_landing", "create schema elsewhere"),
    ("cx_landing", "create table public.made (n int)"),
    ("cx_bi", "select email from marts.probe"),
    ("cx_bi", "select * from marts.probe"),
    ("cx_bi", "select * from insights.probe"),
    ("cx_bi", "insert into quality.probe values ('1', 'x')"),
    ("cx_bi", "select * from raw_probe.probe"),
    ("cx_bi", "select * from decisions.probe"),
    ("cx_bi", "select * from activation.probe"),
    ("cx_bi", "create table public.made (n int)"),
    ("cx_bi", "create temporary table made (n int)"),
    ("cx_agent", "insert into activation.probe values ('1', 'x')"),
    ("cx_agent", "select * from marts.probe"),
    ("cx_agent", "select * from decisions.probe"),
    ("cx_privacy", "insert into marts.probe values ('1', 'x')"),
    ("cx_privacy", "update marts.probe set email = 'x'"),
    ("cx_privacy", "drop table privacy.probe"),
    ("cx_bi", "copy (select 1) to program 'cat'"),
    ("cx_pipeline", "select pg_read_file('/etc/hostname')"),
]


@pytest.mark.parametrize(("role", "statement"), ALLOWED)
def test_role_may(probes, role, statement):
    """The role can do its work."""
    with door.transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_role_may_not(probes, role, statement):
    """The server refuses, because of a missing right and not because of something else."""
    with (
        pytest.raises(errors.InsufficientPrivilege),
        door.transaction(role) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("role", "database"),
    [("cx_bi", "airflow"), ("cx_bi", "mlflow"), ("cx_bi", "postgres"), ("airflow", "cxloop"), ("mlflow", "airflow")],
)
def test_role_enters_its_own_database_only(warehouse, role, database):
    """CONNECT was taken from everybody and given by role."""
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(**{**door.address(role), "dbname": database})


def test_wrong_password_is_refused(warehouse):
    """No trust authentication anywhere."""
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(**{**door.address("cx_pipeline"), "password": "wrong"})


def test_preparing_twice_changes_nothing(warehouse):
    """Every start prepares the warehouse again; the rights stay the same."""
    query = """
        select nspname, nspacl::text, (select array_agg(defaclacl::text order by oid) from pg_default_acl) as defaults
        from pg_namespace order by 1
    """
    bootstrap.bootstrap(warehouse)
    with door.transaction() as connection:
        before = door.read_frame(connection, query)
    bootstrap.bootstrap(warehouse)
    with door.transaction() as connection:
        after = door.read_frame(connection, query)
    assert before.equals(after)
