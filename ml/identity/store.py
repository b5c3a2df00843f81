"""Linking in the warehouse: records in by COPY, what was found out in the caller's transaction, only changed rows.

Tables `<into>_edges`, `_clusters`, `_held`, `_suspicious` and `_state`, the mark of what they are of (`cache.Mark`).
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg2
import pyarrow
from psycopg2 import sql

from ml.identity import cache, publish, results
from ml.identity.build import Plan
from ml.identity.cache import Mark
from ml.identity.learned import Model
from ml.identity.mapping import Mapping, MappingError
from ml.identity.pairs import lines_of
from ml.identity.partition import SUSPICIOUS_ABOVE, THRESHOLD
from ml.identity.update import update
from runtime.warehouse import Query, read_table

TABLES = {
    "edges": """left_id text not null, right_id text not null, weight double precision not null,
        probability double precision not null, rule text, primary key (left_id, right_id)""",
    "clusters": "record_id text primary key, cluster_id text not null",
    "held": "record_id text not null, records bigint not null, rule text, key text",
    "suspicious": """case_id text primary key, reason text not null, left_id text not null, right_id text not null,
        weight double precision not null, records bigint not null, members text not null""",
    "state": "signature text not null, content text not null",
}
KEYS = {"edges": ("left_id", "right_id"), "clusters": ("record_id",), "suspicious": ("case_id",)}


@dataclass(frozen=True)
class Written:
    """What a run did: the model it used, whether it was an increment, the records there are now, and how many rows of
    each table were removed and written."""

    model: Model
    was_increment: bool
    records: int
    rows: dict[str, publish.Counts]


def link_records(
    connection: psycopg2.extensions.connection,
    query: Query,
    mapping: Mapping,
    into: str,
    source: str | None = None,
    forbidden: Query | None = None,
    entity: str | None = None,
    model: Model | None = None,
    changed: Query | None = None,
    file: Path | None = None,
    threshold: float = THRESHOLD,
    suspicious_above: int = SUSPICIOUS_ABOVE,
    functional: str | None = None,
) -> Written:
    """Link the rows of `query` and write what was found to the tables of `into` ("identity.person").

    The caller owns the transaction: on an error everything stays as it was. Running twice changes nothing.
    `source`, `entity`, `model`, `threshold`, `suspicious_above`, `functional`: as in `link.link`; without a model one
    is learned.
    `forbidden`: a query of `left_id, right_id`, all pairs that must not meet. `file`: where the linkage is kept for
    the next increment; if it is of the same model and of the state that the tables are in, only what changed since is
    worked on. `changed`: a query of one column, the ids of the records that are new, changed or gone since then;
    without it everything is read and compared. One run at a time per `into`: others wait for its transaction.
    Raises `MappingError` for columns that are not there and for record ids that are missing or not unique.
    """
    plan = Plan(mapping, source, entity, threshold, suspicious_above, functional)
    if mapping.record_id is None:
        raise MappingError("To link in the warehouse the mapping needs a record_id.")
    if model is not None:
        model.check(mapping)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 4))", (f"ml.identity {into}",))
    for name, columns in TABLES.items():
        publish.make(connection, f"{into}_{name}", columns)
    run = Run(connection, plan, into, wanted(connection, query, plan), pairs_wanted(forbidden))
    mark = run.mark()
    is_known = model is not None and mark is not None and mark.signature == cache.signature(model, plan)
    if is_known and cache.is_of(file, mark):
        return run.increment(file, model, changed)
    return run.whole(file, model)


@dataclass(frozen=True)
class Run:
    """One run: the caller's connection, what is linked and into what, the queries of records and forbidden pairs."""

    connection: psycopg2.extensions.connection
    plan: Plan
    into: str
    query: sql.Composable
    banned: sql.Composable

    def mark(self) -> Mark | None:
        """Give the state that the tables are in."""
        state = sql.SQL("select signature, content from {}").format(publish.identifier(f"{self.into}_state"))
        found = read_table(self.connection, state).to_pylist()
        return Mark(**found[0]) if len(found) == 1 else None

    def whole(self, file: Path | None, model: Model | None) -> Written:
        """Build everything."""
        with cache.new(file) as local:
            self.hand_over(local, "given", self.query)
            self.hand_over(local, "banned", self.banned)
            check_ids(local)
            model = cache.build_in(local, "given", "banned", self.plan, model)
            local.execute("drop table given; drop table banned")
            rows = {name: self.replaced(name, local, said) for name, said in self.answers(local, model).items()}
            return self.finish(local, model, False, rows)

    def increment(self, file: Path, model: Model, changed: Query | None) -> Written:
        """Work on what changed."""
        with cache.existing(file) as local:
            self.read_changes(local, changed)
            update(local, self.plan, model, "given", "touched_ids")
            rows = {name: self.exchanged(name, local) for name in ("edges", "clusters")}
            answers = self.answers(local, model)
            rows |= {name: self.replaced(name, local, answers[name]) for name in ("held", "suspicious")}
            return self.finish(local, model, True, rows)

    def read_changes(self, local: duckdb.DuckDBPyConnection, changed: Query | None) -> None:
        """Write the tables `given`, `touched_ids` and `restless_ids`, and the forbidden pairs of now."""
        if changed is None:
            self.hand_over(local, "given", self.query)
            ids = 'select "#record_id" as record_id from given union select record_id from records'
            local.execute(f"create or replace temp table touched_ids as {ids}")
        else:
            listed = sql.SQL("select distinct t.id::text as record_id from ({}) as t (id)").format(composed(changed))
            self.hand_over(local, "touched_ids", listed)
            some = sql.SQL('select r.* from ({}) as r where "#record_id" in (select c.record_id from ({}) as c)')
            self.hand_over(local, "given", some.format(self.query, listed))
        check_ids(local)
        self.hand_over(local, "banned", self.banned)
        local.execute(
            """create or replace temp table restless_ids as
            select unnest([left_id, right_id]) as record_id from (
                (from banned except from forbidden) union all (from forbidden except from banned)
            );
            delete from forbidden;
            insert into forbidden from banned;
            drop table banned"""
        )

    def hand_over(self, local: duckdb.DuckDBPyConnection, name: str, query: sql.Composable) -> None:
        """Read a query of the warehouse into a temporary table."""
        local.register("handed_over", read_table(self.connection, query))
        local.execute(f"create or replace temp table {name} as from handed_over")
        local.unregister("handed_over")

    def answers(self, local: duckdb.DuckDBPyConnection, model: Model) -> dict[str, str]:
        """Give the SQL of all that is published."""
        holding = {line for (line,) in local.execute("select distinct line from held").fetchall()}
        lines = [line for line in lines_of(model, self.plan.mapping) if line.column in holding]
        return {
            "edges": results.EDGES.format(edges="edges"),
            "clusters": results.CLUSTERS.format(condition=""),
            "held": results.held(lines),
            "suspicious": results.SUSPICIOUS,
        }

    def replaced(self, name: str, local: duckdb.DuckDBPyConnection, said: str) -> publish.Counts:
        """Let a table of the warehouse hold what a query says."""
        rows = local.sql(said).to_arrow_table()
        return publish.replace(self.connection, f"{self.into}_{name}", rows, KEYS.get(name, ()))

    def exchanged(self, name: str, local: duckdb.DuckDBPyConnection) -> publish.Counts:
        """Bring a table of the warehouse up to date."""
        gone, come = (
            local.sql(f"from {name}_{one} except from {name}_{other}").to_arrow_table()
            for one, other in (("before", "after"), ("after", "before"))
        )
        return publish.exchange(self.connection, f"{self.into}_{name}", gone, come, KEYS[name])

    def finish(
        self, local: duckdb.DuckDBPyConnection, model: Model, was_increment: bool, rows: dict[str, publish.Counts]
    ) -> Written:
        """Write the mark on both sides, and say what was done."""
        mark = Mark(cache.signature(model, self.plan), cache.content(local))
        cache.write_mark(local, mark)
        state = pyarrow.table({"signature": [mark.signature], "content": [mark.content]})
        publish.replace(self.connection, f"{self.into}_state", state, ())
        (records,) = local.execute("select count(*) from records").fetchall()[0]
        return Written(model, was_increment, records, rows)


def composed(query: Query) -> sql.Composable:
    """Give a query as part of another."""
    return sql.SQL(query.rstrip().rstrip(";")) if isinstance(query, str) else query


def wanted(connection: psycopg2.extensions.connection, query: Query, plan: Plan) -> sql.Composable:
    """Give the query of the columns that are needed, all as text, so that a type never depends on the rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from ({}) as described limit 0").format(composed(query)))
        there = {column.name for column in cursor.description}
    mapping = plan.mapping
    needed = sorted(set(mapping.sources) | {name for name in (plan.source, plan.entity, plan.functional) if name})
    lacking = sorted({*needed, mapping.record_id} - there)
    if lacking:
        raise MappingError(f"The query has no column {', '.join(lacking)}. It has: {', '.join(sorted(there))}.")
    columns = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in needed]
    return sql.SQL("select {}::text as {}, {} from ({}) as records").format(
        sql.Identifier(mapping.record_id), sql.Identifier("#record_id"), sql.SQL(", ").join(columns), composed(query)
    )


def pairs_wanted(forbidden: Query | None) -> sql.Composable:
    """Give the query of the forbidden pairs."""
    if forbidden is None:
        return sql.SQL("select ''::text as left_id, ''::text as right_id where false")
    return sql.SQL(
        "select distinct least(left_id::text, right_id::text) as left_id, greatest(left_id::text, right_id::text) as "
        "right_id from ({}) as forbidden"
    ).format(composed(forbidden))


def check_ids(local: duckdb.DuckDBPyConnection) -> None:
    """Raise `MappingError` if a record has no id or two have the same."""
    missing, repeated = local.execute(
        'select count(*) - count("#record_id"), count("#record_id") - count(distinct "#record_id") from given'
    ).fetchall()[0]
    if missing or repeated:
        raise MappingError(f"The record ids are none: {missing} missing, {repeated} repeated.")
