"""A warehouse database of its own for dbt: made fresh for each test from the rooms' DDL, on the embedded PostgreSQL."""

from collections.abc import Iterator

import pytest
from dbt_builds import NAME, Warehouse, empty_warehouse, entities_of, environment, prepare, prepared

from runtime.settings import Settings


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
