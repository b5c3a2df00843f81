"""Plays departments and gates in SQL and builds the warehouse with dbt, in this process."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path
from types import CodeType

import pandas as pd
import psycopg2
import yaml
from dbt.cli.main import dbtRunner
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from psycopg2 import sql

from ml.identity.resolve import Resolution, resolve
from normalisation.normalise import Normalised, normalise
from runtime import postgres
from runtime import warehouse as runtime_warehouse
from runtime.settings import Settings

NAME = "dbt_cases"
PROJECT = Path(__file__).parents[2] / "dbt_project"
SCHEMAS = ("quality", "quarantine", "normalised", "identity", "scores", "decisions")
EVIDENCE = ("path:seeds", "path:models/vocabulary", "path:models/staging", "person_records")
CONTRACTS = Path(__file__).parents[2] / "landing" / "departments"


def entities_of(dataset: str) -> dict[str, dict[str, list[str]]]:
    """Departments, their entities and columns, as the contracts of a company name them."""
    contracts = [yaml.safe_load(path.read_text()) for path in sorted((CONTRACTS / dataset).glob("*.yml"))]
    return {
        contract["department"]: {
            entity["name"]: [column["name"] for column in entity["columns"]] for entity in contract["entities"]
        }
        for contract in contracts
    }


BATCHES = """
    create table {schema}._batches (
        batch_id text primary key, entity text, delivered_date date, known_date date, as_of date, status text
    )
"""
_parsed, _parsed_for = {}, {}
# Three times a run dbt reads the source of every frame on the stack, for the text of a message that nobody sees: under
# pytest a quarter of a build's CPU time (py-spy, 2026-11-26; dbt-common 1.39).
BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt.adapters")
# Messages are made before it is asked whether anybody listens, and what was compiled is compiled again by each build:
# together a fifth of what a build of few rows costs (py-spy, 2026-11-27).
_fire, _compile = EventManager.fire_event, MacroFuzzEnvironment.compile
_compiled: dict[tuple, CodeType] = {}


def _fire_what_is_heard(self, e, level=None, node=None, force_warn_or_error_handling=False):
    if (level or e.level_tag()) in (EventLevel.WARN, EventLevel.ERROR):
        _fire(self, e, level, node, force_warn_or_error_handling)


def _compile_once(self, *source):
    key = (type(self), *source)
    if key not in _compiled:
        _compiled[key] = _compile(self, *source)
    return _compiled[key]


EventManager.fire_event = _fire_what_is_heard
MacroFuzzEnvironment.compile = _compile_once


def environment(folder: Path, database: str) -> dict[str, str]:
    """What dbt reads from the environment; `folder` takes all that it writes."""
    return {
        **runtime_warehouse.dbt_environment(),
        "CX_PG_DBNAME": database,
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }


def prepare() -> None:
    """Parse the project once for each company: it takes seconds."""
    dataset = os.environ["CX_DATASET"]
    if dataset not in _parsed_for:
        result = dbtRunner().invoke(["--quiet", "parse", *_folders()])
        assert result.success, result.exception
        _parsed_for[dataset] = result.result
        _persist_docs(result.result, False)
    _parsed["manifest"] = _copy(_parsed_for[dataset])  # a test may edit it


@contextmanager
def prepared() -> Iterator[None]:
    """Come back to the project as it was parsed before."""
    before = _parsed["manifest"]
    yield
    _parsed["manifest"] = before


@contextmanager
def documented() -> Iterator[None]:
    """Write the descriptions into the database, as every build outside the tests does."""
    _persist_docs(manifest(), True)
    try:
        yield
    finally:
        _persist_docs(manifest(), False)


@contextmanager
def edited(model: str, old: str, new: str) -> Iterator[None]:
    """Build with other words in a model, to see that a test notices."""
    node = manifest().nodes[f"model.cxloop.{model}"]
    before = node.raw_code
    assert old in before
    node.raw_code = before.replace(old, new)
    try:
        yield
    finally:
        node.raw_code = before


def manifest():
    """The parsed project."""
    return _parsed["manifest"]


def _persist_docs(parsed, wanted: bool) -> None:
    """Comments are two more statements a model, a quarter of what a build of few rows costs (measured 2026-11-27)."""
    for node in parsed.nodes.values():
        if node.resource_type in ("model", "seed"):
            node.config.persist_docs = {"relation": wanted, "columns": wanted}


def _copy(parsed):
    """A copy of what was parsed: dbt writes into the manifest while it compiles. It cannot copy what is disabled."""
    disabled, parsed.disabled = parsed.disabled, {}
    copy = parsed.deepcopy()
    parsed.disabled = disabled
    return copy


def _folders() -> list[str]:
    return ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]


class Warehouse:
    """One database with the raw data of a company's departments, to deliver to and to build."""

    def __init__(self, given: Settings, database: str, entities: dict[str, dict[str, list[str]]]):
        self.entities = entities
        self._address = {
            **{part: os.environ[f"CX_PG_{part.upper()}"] for part in ("host", "port", "user", "password")},
            "dbname": database,
        }
        self.connection = psycopg2.connect(**self._address)
        self.connection.autocommit = True
        for schema in SCHEMAS:
            self.run(sql.SQL("create schema {}").format(sql.Identifier(schema)))
        for room in ("expectations", "normalisation", "ml", "ml/identity"):
            self.run((given.root / room / "schema.sql").read_text(encoding="utf-8"))
        for department, own in entities.items():
            self._open_department(department, own)

    def _open_department(self, department: str, entities: dict[str, list[str]]) -> None:
        schema = sql.Identifier(f"raw_{department}")
        self.run(sql.SQL("create schema {}").format(schema))
        self.run(sql.SQL(BATCHES).format(schema=schema))
        for entity, columns in entities.items():
            fields = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(column)) for column in columns)
            self.run(
                sql.SQL("create table {}.{} ({}, _batch_id text, _row_number bigint)").format(
                    schema, sql.Identifier(entity), fields
                )
            )

    def close(self) -> None:
        """Give the connection back; dbt closes its own."""
        self.connection.close()

    def run(self, query: str | sql.Composable, parameters: tuple | None = None) -> None:
        """Execute one statement."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)

    def rows(self, query: str | sql.Composable, parameters: tuple | None = None) -> list[tuple]:
        """Fetch all rows of a query."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def deliver(
        self, department: str, entity: str, frame: pd.DataFrame, delivered: date, as_of: date, *, history: bool = False
    ) -> str:
        """Land a file and let the gate accept it; a file of the history is known from its own day. Returns its id."""
        batch_id = f"{entity}/{delivered}/{as_of}"
        known = delivered if history else as_of
        columns = self.entities[department][entity]
        raw = frame.reindex(columns=columns).astype(object).where(frame.reindex(columns=columns).notna(), None)
        raw = raw.assign(_batch_id=batch_id, _row_number=range(1, len(raw) + 1))
        text = StringIO(raw.to_csv(index=False, header=False))
        table = sql.Identifier(f"raw_{department}", entity)
        with self.connection.cursor() as cursor:
            cursor.copy_expert(sql.SQL("copy {} from stdin (format csv)").format(table), text)
            cursor.execute(
                sql.SQL("insert into {} values (%s, %s, %s, %s, %s, 'landed')").format(
                    sql.Identifier(f"raw_{department}", "_batches")
                ),
                (batch_id, entity, delivered, known, as_of),
            )
            cursor.execute(
                "insert into quality.batch_verdicts values (%s, %s, %s, %s, %s, 'accepted')",
                (department, entity, batch_id, as_of, known),
            )
        return batch_id

    def build(
        self, as_of: date | str | None, *options: str, since: date | None = None, only: Iterable[str] = ()
    ) -> None:
        """Normalise what is new, make seeds and models for `as_of`, with people resolved in between.

        `since`: again what became known on that day or later. `only`: these models and what they read, for a test that
        looks at no others. Raises with the failed nodes' messages. With `--select` only what is chosen is built, and
        nobody is resolved.
        """
        models = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
        if as_of is not None:
            self.normalise(date.fromisoformat(str(as_of)))
        if as_of is None or "--select" in options:
            self._dbt("build", as_of, *models, *options, since=since)
            return
        chosen = [f"+{model}" for model in only]
        evidence = ["+person_records"] if chosen else EVIDENCE
        refresh = [option for option in options if option == "--full-refresh"]
        self._dbt("build", as_of, *models, "--select", *evidence, *refresh, since=since)
        self.resolve(date.fromisoformat(str(as_of)))
        rest = ["--select", *chosen] if chosen else []
        self._dbt("build", as_of, *models, *options, *rest, "--exclude", *evidence, since=since)

    def resolve(self, as_of: date) -> Resolution:
        """Find out who is who, as the task between the two dbt runs does, in one transaction."""
        with psycopg2.connect(**self._address) as connection:
            done = resolve(connection, as_of)
        connection.close()
        return done

    def normalise(self, as_of: date) -> Normalised:
        """Write the new values one way, as the task before dbt does, in one transaction."""
        with psycopg2.connect(**self._address) as connection:
            done = normalise(connection, as_of)
        connection.close()
        return done

    def test(self, as_of: date | str | None, *options: str, only: Iterable[str] = ()) -> None:
        """Run the project's own tests on what was built; `only`: those that read nothing else, as `build` takes it."""
        chosen = ["--select", *(f"+{model}" for model in only), "--indirect-selection", "cautious"] if only else []
        self._dbt("test", as_of, "--exclude-resource-type", "unit_test", *options, *chosen)

    def test_sql(self, as_of: date | str) -> None:
        """Run the unit tests of the models: they judge the SQL, whatever was built."""
        self._dbt("test", as_of, "--select", "test_type:unit")

    def _dbt(self, command: str, as_of: date | str | None, *options: str, since: date | None = None) -> None:
        days = {name: str(day) for name, day in (("as_of", as_of), ("since", since)) if day is not None}
        given = ["--vars", json.dumps(days)] if days else []
        words = ["--quiet", "--no-write-json", command, *given, *_folders(), *options]
        with redirect_stdout(StringIO()):
            result = dbtRunner(manifest=_copy(manifest())).invoke(words)
        bad = [node for node in result.result or [] if node.status in ("error", "fail")]
        assert result.success, "; ".join(f"{node.node.name}: {node.message}" for node in bad) or result.exception

    def checksums(self, *schemas: str) -> dict[str, tuple]:
        """Rows and an order-independent sum over all columns of every table in `schemas`."""
        tables = self.rows(
            "select schemaname, tablename from pg_tables where schemaname = any(%s) order by 1, 2", (list(schemas),)
        )
        query = "select count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint) from {} t"
        return {
            f"{schema}.{table}": self.rows(sql.SQL(query).format(sql.Identifier(schema, table)))[0]
            for schema, table in tables
        }


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
