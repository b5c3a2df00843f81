"""A warehouse database of its own for dbt: made fresh for each test from the rooms' DDL, on the embedded PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from dbt_builds import Warehouse, entities_of, environment, prepare, prepared
from psycopg2 import sql

from runtime import postgres
from runtime.settings import Settings

NAME = "dbt_cases"


@pytest.fixture(scope="session")
def server(warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Read the dbt project once; every build of this session uses what was read."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(tmp_path_factory.mktemp("dbt"), NAME).items():
            patched.setenv(name, value)
        prepare()
        yield warehouse


@pytest.fixture
def company(server: Settings) -> Iterator[Warehouse]:
    """An empty warehouse with the gates' and the ledger's tables and no department's data."""
    with empty_warehouse(server, entities_of("complete_journey")) as empty:
        yield empty


@pytest.fixture
def nordhaus(server: Settings) -> Iterator[Warehouse]:
    """The same for the ten departments of nordhaus, with the project read for that company."""
    with pytest.MonkeyPatch.context() as patched, prepared():
        patched.setenv("CX_DATASET", "nordhaus")
        prepare()
        with empty_warehouse(server, entities_of("nordhaus")) as empty:
            yield empty


@contextmanager
def empty_warehouse(server: Settings, entities: dict) -> Iterator[Warehouse]:
    """A database of its own, dropped afterwards."""
    admin = postgres.admin_connection(server)
    admin.autocommit = True
    drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(NAME))
    with admin.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(sql.SQL("create database {} owner cx_pipeline").format(sql.Identifier(NAME)))
    empty = Warehouse(server, NAME, entities)
    yield empty
    empty.close()
    with admin.cursor() as cursor:
        cursor.execute(drop)
    admin.close()
