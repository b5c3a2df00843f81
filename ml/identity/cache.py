"""The linkage of a table in a DuckDB file beside the warehouse, so that an increment need not prepare everything anew.

A derived thing: whatever it holds can be built from the warehouse, and is whenever the file is missing, unreadable, of
another model, mapping or version of this code, or of another state than the warehouse's tables (`Mark`). A build is
written beside it and moved into its place; an increment is one DuckDB transaction. So a killed process leaves the
last state or the next, and the mark says which. The file holds personal data: only its owner may read it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb

from ml.identity import graph
from ml.identity.build import Plan, build, prepare
from ml.identity.learned import Model

THREADS = 2  # of DuckDB: the two cores that everything here is measured on
MEMORY = "4GB"  # of DuckDB; beyond it spills. A whole run is to stay below 8 GB


@dataclass(frozen=True)
class Mark:
    """What a linkage is of: `signature` of model, plan and code, and `content`, a sum over records and constraints."""

    signature: str
    content: str


def configure(connection: duckdb.DuckDBPyConnection, memory: str = MEMORY, spill: str | None = None) -> None:
    """Bound threads and memory; say where what does not fit is spilled to."""
    connection.execute(f"set threads={THREADS}; set memory_limit='{memory}'; set enable_progress_bar=false")
    connection.execute(
        "set temp_directory = ?", [spill or str(Path(tempfile.gettempdir()) / f"identity {os.getpid()}")]
    )


def build_in(connection: duckdb.DuckDBPyConnection, given: str, banned: str, plan: Plan, model: Model | None) -> Model:
    """Build the linkage of the table `given` with the forbidden pairs of `banned` in an empty database."""
    prepare(connection, given, plan, "records")
    model = build(connection, plan, model)
    graph.make_tables(connection)
    connection.execute(f"insert into forbidden select left_id, right_id from {banned}")
    graph.group_all(connection, plan)
    return model


def signature(model: Model, plan: Plan) -> str:
    """Name everything that a linkage depends on beside its records."""
    mapping = plan.mapping
    said = {
        "model": model.id,
        "columns": [[column.name, column.kind, column.sources, column.format] for column in mapping.columns],
        "rules": mapping.rules,
        "plan": [plan.source, plan.entity, plan.threshold, plan.suspicious_above, plan.functional],
        "code": code(),
        "versions": [version(name) for name in ("duckdb", "splink")],
    }
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


@cache
def code() -> str:
    """Name the version of this code."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def content(connection: duckdb.DuckDBPyConnection) -> str:
    """Give the sums of records and constraints."""
    records, constraints = connection.execute(
        """select (select (n, total)::varchar from sums),
            (select (count(*), sum(md5_number_lower(left_id || chr(31) || right_id)))::varchar from forbidden)"""
    ).fetchall()[0]
    return f"{records} {constraints}"


@contextmanager
def new(path: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty database; after the block it stands at `path`, complete, or nothing does (None: in memory)."""
    if path is None:
        with private(), duckdb.connect() as connection:
            configure(connection)
            yield connection
        return
    with private():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}.new")
        remove(beside)
        try:
            with duckdb.connect(str(beside)) as connection:
                configure(connection, spill=f"{beside}.spill")
                yield connection
                connection.execute("checkpoint")
            remove(path)
            beside.replace(path)
        finally:
            remove(beside)


@contextmanager
def existing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the database at `path` in one transaction: kept at the end of the block, undone by any error."""
    with private(), duckdb.connect(str(path)) as connection:
        configure(connection, spill=f"{path}.spill")
        connection.execute("begin transaction")
        try:
            yield connection
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def write_mark(connection: duckdb.DuckDBPyConnection, mark: Mark) -> None:
    """Say in a database what it is of."""
    connection.execute("create or replace table mark (signature varchar, content varchar)")
    connection.execute("insert into mark values (?, ?)", [mark.signature, mark.content])


def is_of(path: Path | None, mark: Mark | None) -> bool:
    """Say whether the file at `path` is of `mark`; what cannot be read is not."""
    if path is None or mark is None or not path.exists():
        return False
    try:
        with (
            private(),
            duckdb.connect(str(path), read_only=not path.with_name(f"{path.name}.wal").exists()) as connection,
        ):
            return connection.execute("select signature, content from mark").fetchall() == [
                (mark.signature, mark.content)
            ]
    except duckdb.Error:
        return False


def remove(path: Path) -> None:
    """Remove a database file and its log."""
    for each in (path, path.with_name(f"{path.name}.wal")):
        each.unlink(missing_ok=True)


@contextmanager
def private() -> Iterator[None]:
    """Let new files, also those that memory is spilled to, be readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
