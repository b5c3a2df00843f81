"""Pairs that are looked at, as tables on DuckDB: what agrees in a key or a rule and is not held.

`records`: `record, record_id, entity, source, digest` and the comparison columns. `shared`: the same without ids, and
for each line (a key or a rule) a column of hashes, null where it says nothing. `held`: the values of a line that too
many share. Everything can be worked out for all records or only for those that were touched.
"""

from dataclasses import dataclass

import duckdb

from ml.identity.learned import Model
from ml.identity.mapping import Mapping
from ml.identity.rules import HELD_ABOVE, rules_of


@dataclass(frozen=True)
class Line:
    """A key or a rule: its column in `shared`, what must be equal, its name, and how many may share a value.

    A rule counts entities, a key records (they are what costs).
    """

    column: str
    parts: tuple[str, ...]
    says: str
    limit: int
    is_rule: bool


@dataclass(frozen=True)
class Kinds:
    """What keeps two records from being a pair at all."""

    across: bool = False  # they must be of different sources
    versions: bool = False  # they must not be versions of one entity

    @property
    def sql(self) -> str:
        """Say so in SQL."""
        return ("and l.source <> r.source " if self.across else "") + (
            "and l.entity <> r.entity " if self.versions else ""
        )


def lines_of(model: Model, mapping: Mapping) -> list[Line]:
    """Give the keys of a model and the rules of a mapping."""
    keys = [Line(f"k{n}", key.parts, key.says, key.limit, False) for n, key in enumerate(model.keys)]
    return keys + [Line(f"r{n}", parts, name, HELD_ABOVE, True) for n, (name, parts) in enumerate(rules_of(mapping))]


def make_tables(connection: duckdb.DuckDBPyConnection, lines: list[Line]) -> None:
    """Create the empty tables `shared` and `held`."""
    columns = "".join(f", {line.column} ubigint" for line in lines)
    connection.execute(
        f"create or replace table shared (record bigint, entity bigint, source varchar, digest ubigint{columns})"
    )
    connection.execute("create or replace table held (line varchar, value ubigint, records bigint)")


def share(connection: duckdb.DuckDBPyConnection, lines: list[Line], among: str = "") -> None:
    """Fill `shared` for the records that `among` (SQL) chooses."""
    hashed = ""
    for line in lines:
        known = " and ".join(f"{part} is not null" for part in line.parts)
        hashed += f", case when {known} then hash({', '.join(line.parts)}) end"
    connection.execute(f"insert into shared select record, entity, source, digest{hashed} from records {among}")


def hold_all(connection: duckdb.DuckDBPyConnection, lines: list[Line]) -> None:
    """Fill `held` for a whole table."""
    for line in lines:
        connection.execute(
            f"insert into held select '{line.column}', {line.column}, {counted(line)} from shared "
            f"where {line.column} is not null group by {line.column} having {counted(line)} > {line.limit}"
        )


def hold_touched(connection: duckdb.DuckDBPyConnection, lines: list[Line], affected: str, into: str) -> None:
    """Bring `held` up to date for the values of `affected` (`line, value`); add to `into` (`record`) who shares a
    value that crossed its limit, in either direction."""
    connection.execute(
        f"""create or replace temp table no_longer as
        select line, value from held semi join {affected} using (line, value)"""
    )
    connection.execute(f"delete from held where (line, value) in (select (line, value) from {affected})")
    for line in lines:
        column = line.column
        connection.execute(
            f"insert into held select '{column}', {column}, {counted(line)} from shared "
            f"where {column} in (select value from {affected} where line = '{column}') "
            f"group by {column} having {counted(line)} > {line.limit}"
        )
    connection.execute(
        f"""create or replace temp table crossed as
        with now_held as (select line, value from held semi join {affected} using (line, value))
        select * from (from now_held except from no_longer) union all (from no_longer except from now_held)"""
    )
    for (column,) in connection.execute("select distinct line from crossed order by 1").fetchall():
        connection.execute(
            f"insert into {into} select record from shared "
            f"where {column} in (select value from crossed where line = '{column}') "
            f"and record not in (select record from {into})"
        )


def counted(line: Line) -> str:
    """Say in SQL how many share a value."""
    return "count(distinct entity)" if line.is_rule else "count(*)"


def values_of(connection: duckdb.DuckDBPyConnection, lines: list[Line], records: str, into: str) -> None:
    """Add the values of the records in `records` to the table `into` (`line, value`)."""
    for line in lines:
        connection.execute(
            f"insert into {into} select distinct '{line.column}', {line.column} from shared "
            f"where record in (select record from {records}) and {line.column} is not null"
        )


def candidates(
    connection: duckdb.DuckDBPyConnection, lines: list[Line], kinds: Kinds, into: str, touched: str | None = None
) -> None:
    """Write to `into` (`l, r, line`) every pair that agrees in a line, once, with the number of the first such line.

    `l` is the record with the smaller digest, so that the order of records in the table does not matter.

    `touched`: a table of `record`; only pairs of which at least one is in it.
    """
    connection.execute("create or replace temp table found_pairs (l bigint, r bigint, line integer)")
    for number, line in enumerate(lines):
        connection.execute(f"insert into found_pairs {pairs_of(line, number, kinds, touched)}")
    connection.execute(
        f"create or replace temp table {into} as select l, r, min(line) as line from found_pairs group by l, r"
    )
    connection.execute("drop table found_pairs")


def pairs_of(line: Line, number: int, kinds: Kinds, touched: str | None) -> str:
    """Give the SQL of the pairs that agree in a line."""
    column = line.column
    held = f"{column} not in (select value from held where line = '{column}')"
    more = ", source, entity" if kinds.sql else ""
    ordered = "(l.digest < r.digest or (l.digest = r.digest and l.record < r.record))"
    if touched is None:
        return f"""with often as (
            select {column} from shared where {column} is not null and {held} group by {column} having count(*) > 1
        ), sharing as (
            select record, digest, {column} as value{more}
            from shared where {column} in (from often)
        )
        select l.record, r.record, {number} from sharing l join sharing r using (value) where {ordered} {kinds.sql}"""
    return f"""with own as (
            select record, digest, {column} as value{more}
            from shared
            where record in (select record from {touched}) and {column} is not null and {held}
        ), others as (
            select record, digest, {column} as value{more}
            from shared
            where {column} in (select value from own)
        )
        select case when {ordered} then l.record else r.record end, case when {ordered} then r.record else l.record end,
            {number}
        from own l join others r using (value) where l.record <> r.record {kinds.sql}"""
