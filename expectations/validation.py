"""Runs a suite with GX inside an open transaction and renders its page in the Data Docs."""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Literal

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx  # noqa: E402 the switch above must be set first
import sqlalchemy  # noqa: E402
from great_expectations.checkpoint import UpdateDataDocsAction  # noqa: E402
from great_expectations.compatibility import pydantic  # noqa: E402
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult  # noqa: E402
from great_expectations.core.run_identifier import RunIdentifier  # noqa: E402
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults  # noqa: E402
from great_expectations.datasource.fluent import SQLDatasource  # noqa: E402
from great_expectations.execution_engine import SqlAlchemyExecutionEngine  # noqa: E402
from great_expectations.expectations.expectation import Expectation  # noqa: E402

from expectations.overview import write_overview  # noqa: E402

# It notes each default value it looks up: eighty lines a gate that say nothing of the data.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

# Failed rows are personal data: counts only, no lists of values.
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": 0, "exclude_unexpected_values": True}


class OneTransactionEngine(SqlAlchemyExecutionEngine):
    """GX's engine on one given connection, so that it sees what the gate has written and not yet committed.

    By itself GX takes a new connection per query and reads the rows after giving it back, which fails with the
    warehouse's engine that keeps no connection open ("cursor already closed", seen with GX 1.24.1).
    """

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        super().__init__(engine=connection.engine, create_temp_table=False)
        self._connection = connection

    @contextmanager
    def get_connection(self) -> Iterator[sqlalchemy.Connection]:
        """Lend the one connection; who opened it closes it."""
        yield self._connection

    def execute_query(self, query: sqlalchemy.Selectable | sqlalchemy.TextClause) -> sqlalchemy.CursorResult:
        """Run a query behind a savepoint: GX tries a failed one again, and its first error would be lost otherwise."""
        with self._connection.begin_nested():
            return self._connection.execute(query)


class WarehouseDatasource(SQLDatasource):
    """A datasource that holds no address and no password: only `runtime.warehouse` opens connections."""

    type: Literal["warehouse"] = "warehouse"
    connection_string: str = "postgresql+psycopg2://"
    _given_engine: OneTransactionEngine = pydantic.PrivateAttr(None)
    _given_schema: str = pydantic.PrivateAttr("")

    def lend(self, connection: sqlalchemy.Connection, schema: str) -> None:
        """Use `connection` for everything, and look for tables in `schema`."""
        self._given_engine = OneTransactionEngine(connection)
        self._given_schema = schema

    @property
    def schema_(self) -> str:
        """The schema of the table that is validated."""
        return self._given_schema

    def get_engine(self) -> sqlalchemy.Engine:
        """Give the engine behind the lent connection."""
        return self._given_engine.engine

    def get_execution_engine(self) -> OneTransactionEngine:
        """Give the one execution engine."""
        return self._given_engine

    def test_connection(self, test_assets: bool = True) -> None:
        """Nothing is lent yet when GX asks; the first query tells."""


def validate(
    gate: str,
    as_of: date,
    table: str,
    suite: Sequence[Expectation],
    connection: sqlalchemy.Connection,
    docs_folder: Path,
) -> ExpectationSuiteValidationResult:
    """Validate `table` ("schema.table") by `suite`; write its page, index and overview to `docs_folder`.

    The run is named by `as_of`: running again replaces the page.
    """
    context = _context(docs_folder)
    datasource = context.data_sources.add_warehouse(name="warehouse")
    schema, name = table.split(".")
    datasource.lend(connection, schema)
    asset = datasource.add_table_asset(table, table_name=name)
    definition = gx.ValidationDefinition(
        name=gate,
        data=asset.add_batch_definition_whole_table("all rows"),
        suite=context.suites.add_or_update(gx.ExpectationSuite(gate, expectations=list(suite))),
    )
    checkpoint = gx.Checkpoint(
        name=gate,
        validation_definitions=[context.validation_definitions.add(definition)],
        actions=[UpdateDataDocsAction(name="update_data_docs")],
        result_format=RESULT_FORMAT,
    )
    run_id = RunIdentifier(run_name=as_of.isoformat(), run_time=datetime.combine(as_of, time(), UTC))
    with _alone(docs_folder):
        outcome = context.checkpoints.add(checkpoint).run(run_id=run_id)
        write_overview(docs_folder)
    (result,) = outcome.run_results.values()
    return result


def _context(docs_folder: Path) -> gx.data_context.EphemeralDataContext:
    """Make a context that forgets everything but the validation results and suites the Data Docs index is made of."""
    defaults = InMemoryStoreBackendDefaults()
    kept = {"validation_results_store": "ValidationResultsStore", "expectations_store": "ExpectationsStore"}
    for store, class_name in kept.items():
        folder = docs_folder / "stores" / store
        backend = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
        if store == "expectations_store":
            backend["filepath_suffix"] = ".json"
        defaults.stores[store] = {"class_name": class_name, "store_backend": backend}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs_folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "site_section_builders": {"profiling": "None"},
    }
    config = DataContextConfig(
        store_backend_defaults=defaults,
        data_docs_sites={"gates": site},
        progress_bars={"globally": False},
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one gate at a time write the Data Docs: four departments are checked at once and share the index page."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
