"""A warehouse of its own for privacy: a second database on the embedded server, with two households in small tables."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from runtime import bootstrap, ports, postgres
from runtime.secrets import secret
from runtime.settings import Settings, settings
from runtime.warehouse import transaction

AS_OF = date(2017, 12, 31)
DATABASE = "privacy_test"
TEMPLATE = "privacy_template"

# As dlt and dbt make them: raw by cx_landing, everything in text; the rest by cx_pipeline.
RAW = """
    create table raw_till._batches (batch_id text primary key, entity text, status text);
    create table raw_till.transactions
        (household_id text, basket_id text, sales_value text, _batch_id text, _row_number bigint);
    create table raw_till._malformed_lines (batch_id text, row_number bigint, line text, reason text);
    insert into raw_till._malformed_lines values
        ('transactions/2017-12-28/a', 5, '017,b9,"torn', 'unreadable'),
        ('transactions/2017-12-28/a', 6, '170,b17,1.17,"torn', 'unreadable');
    create table raw_crm._batches (batch_id text primary key, entity text, status text);
    create table raw_crm.demographics (household_id text, age text, _batch_id text, _row_number bigint);
    insert into raw_till._batches values ('transactions/2017-12-28/a', 'transactions', 'landed');
    insert into raw_till.transactions values
        ('17', 'b1', '1.00', 'transactions/2017-12-28/a', 1), (' 017', 'b2', '17', 'transactions/2017-12-28/a', 2),
        ('17.0', 'b3', '3.00', 'transactions/2017-12-28/a', 3), ('170', 'b4', '4.00', 'transactions/2017-12-28/a', 4);
    insert into raw_crm._batches values ('demographics/2017-12-23/a', 'demographics', 'landed');
    insert into raw_crm.demographics values
        ('17', '45-54', 'demographics/2017-12-23/a', 1), ('170', '25-34', 'demographics/2017-12-23/a', 2);
"""
MODELS = """
    create table identity.customer_ids (customer_id text primary key, source_key text, first_known_date date);
    insert into identity.customer_ids values ('c1a', '17', '2017-12-28'), ('c1a2', '170', '2017-12-28');
    create table marts.customer_records (customer_id text primary key, age_band text);
    insert into marts.customer_records values ('c1a', '45-54'), ('c1a2', '25-34');
    create table marts.products (product_id text primary key, description text);
    insert into marts.products values ('17', 'Seventeen: c1a2 likes it');
    insert into quality.batch_verdicts (department, entity, batch_id, as_of, known_date, verdict) values
        ('till', 'transactions', 'transactions/2017-12-28/a', '2017-12-28', '2017-12-28', 'accepted'),
        ('crm', 'demographics', 'demographics/2017-12-23/a', '2017-12-28', '2017-12-28', 'accepted');
    insert into quarantine.rejected_rows values
        ('till', 'transactions', 'transactions/2017-12-28/a', 3, 'household_id', 'type', 'not an integer',
         '{"household_id": "17.0"}', '2017-12-28', 'waiting'),
        ('till', 'transactions', 'transactions/2017-12-28/a', 5, '', 'malformed_line', 'unreadable',
         '{"line": "017,b9,torn"}', '2017-12-28', 'waiting'),
        ('till', 'transactions', 'transactions/2017-12-28/a', 6, '', 'malformed_line', 'unreadable',
         '{"line": "170,b17,1.17,torn"}', '2017-12-28', 'waiting');
    insert into decisions.decision_ledger
    select decision, customer, '2017-12-31', 'policy', '[{"action_id": "no_action", "propensity": 1}]',
        jsonb_build_object('contacts_7d', 1), '{}', 42, 0.5, 'no_action', 'none', 1, 0, '2018-01-01', '2018-01-01',
        '2017-12-31', 'p1', 'm', '1', 'i', '1', '2018-01-01 04:59:59Z'
    from (values ('d-1', 'c1a'), ('d-2', 'c1a2')) as made(decision, customer);
"""


@pytest.fixture(scope="session")
def shared_database(warehouse: Settings) -> Iterator[str]:
    """Yield the name of a prepared database with the households 17 and 170."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_WAREHOUSE_URL", url(warehouse, TEMPLATE))
        make_database(warehouse, TEMPLATE, "template1")
        bootstrap.prepare_warehouse(settings())
        for role, statements in (("cx_landing", RAW), ("cx_pipeline", MODELS)):
            with transaction(role) as connection, connection.cursor() as cursor:
                cursor.execute(statements)
    yield TEMPLATE
    drop_database(warehouse, TEMPLATE)


@pytest.fixture
def shared_warehouse(warehouse: Settings, shared_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the code under test find the shared database; for tests that change nothing."""
    monkeypatch.setenv("CX_WAREHOUSE_URL", url(warehouse, shared_database))


@pytest.fixture
def privacy_warehouse(warehouse: Settings, shared_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Yield settings whose warehouse is a copy of the shared database, for one test alone."""
    make_database(warehouse, DATABASE, shared_database)
    monkeypatch.setenv("CX_WAREHOUSE_URL", url(warehouse, DATABASE))
    yield settings()
    shutil.rmtree(warehouse.home / "privacy", ignore_errors=True)
    drop_database(warehouse, DATABASE)


def url(warehouse: Settings, database: str) -> str:
    """Write the administrator's URL of a database on the embedded server."""
    password = secret(warehouse, f"postgres_{postgres.ADMIN}")
    port = ports.remembered(warehouse, postgres.SERVICE)
    return f"postgresql://{postgres.ADMIN}:{password}@{ports.HOST}:{port}/{database}"


def make_database(warehouse: Settings, name: str, template: str) -> None:
    """Make a database as a copy of another."""
    drop_database(warehouse, name)
    with closing(postgres.admin_connection(warehouse)) as admin, admin.cursor() as cursor:
        cursor.execute(f"create database {name} template {template}")


def drop_database(warehouse: Settings, name: str) -> None:
    """Drop a database, whoever is connected."""
    with closing(postgres.admin_connection(warehouse)) as admin, admin.cursor() as cursor:
        cursor.execute(f"drop database if exists {name} with (force)")
