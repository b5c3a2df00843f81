"""Write the values that identify people one way: only those that no run before has seen, beside the originals."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from normalisation.columns import NormalisedEntity, in_record, in_row, normalised_entities
from normalisation.kinds import KINDS, LONGEST, Invalid
from normalisation.ruleset import rules, version
from runtime.warehouse import copy_frame, read_frame, transaction, update_statistics

TABLE = "normalised.distinct_values"
LOCK = 7_203_444  # any number of our own: two runs at a time would write the same values


@dataclass(frozen=True)
class Normalised:
    """What a run did: batches it had not seen, values new among them, how many of those are none of their kind."""

    batches: int
    values: int
    invalid: int
    rewritten: int

    def summary(self) -> str:
        """One line for the log, without any value."""
        line = f"{self.batches} batches, {self.values} new values, {self.invalid} of them invalid"
        return f"{line}; other rules than before: {self.rewritten} values written anew" if self.rewritten else line


def normalise_values(as_of: date) -> Normalised:
    """Normalise what was accepted by `as_of`, in one transaction; a second run finds nothing to do.

    Rows that wait in quarantine are taken with their batch, so that a release needs no run of its own; repairs are
    looked at in every run. After an upgrade of a library or a change of the rules every value is written anew.
    """
    with transaction() as connection:
        return normalise(connection, as_of)


def normalise(connection: Connection, as_of: date) -> Normalised:
    """Do the work of `normalise_values` in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
    rewritten = _write_anew(connection)
    with connection.cursor() as cursor:
        cursor.execute("create temporary table delivered_values (kind text, region text, value text) on commit drop")
        batches = sum(_gather(cursor, entity, as_of) for entity in normalised_entities())
    new = _new_values(connection)
    copy_frame(connection, new, TABLE)
    update_statistics(connection, [TABLE])
    with connection.cursor() as cursor:
        cursor.execute("drop table delivered_values")
    return Normalised(batches, len(new), int(new["reason"].notna().sum()), rewritten)


def written(values: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with `normalised_value` and `reason`, one of them filled; reads kind, region, original_value."""
    results = [
        _written_value(kind, region, value)
        for kind, region, value in zip(values["kind"], values["region"], values["original_value"], strict=True)
    ]
    columns = pd.DataFrame(results, columns=["normalised_value", "reason"], index=values.index, dtype=object)
    return values.assign(**columns)


def _written_value(kind: str, region: str | None, value: str) -> tuple[str | None, str | None]:
    if len(value) > LONGEST:
        return None, f"longer than {LONGEST} characters"
    try:
        return KINDS[kind](value, rules().country(region or "")), None
    except Invalid as problem:
        return None, str(problem)


def _write_anew(connection: Connection) -> int:
    """Write all values again if the rules are not those of the last run; kind by kind, which bounds the memory."""
    with connection.cursor() as cursor:
        cursor.execute("select version from normalised.ruleset")
        before = cursor.fetchone()
        if before == (version(),):
            return 0
        cursor.execute("delete from normalised.ruleset")
        cursor.execute("insert into normalised.ruleset (version) values (%s)", (version(),))
    if before is None:
        return 0
    rewritten = 0
    for kind in KINDS:
        query = "select kind, region, original_key, original_value from normalised.distinct_values where kind = %s"
        values = read_frame(connection, query, (kind,))
        with connection.cursor() as cursor:
            cursor.execute("delete from normalised.distinct_values where kind = %s", (kind,))
        rewritten += copy_frame(connection, written(values), TABLE)
    return rewritten


def _gather(cursor, entity: NormalisedEntity, as_of: date) -> int:
    """Put the values of the entity's new batches and of its repairs into delivered_values; return the batches."""
    department, name = entity.contract.department, entity.name
    cursor.execute("select to_regclass(%s) is not null", (f"{entity.contract.raw_schema}.{name}",))
    if not cursor.fetchone()[0]:
        return 0
    cursor.execute(
        """
        insert into normalised.batches as known (department, entity, batch_id, signature, as_of)
        select department, entity, batch_id, %s, %s
        from quality.accepted_batches
        where department = %s and entity = %s and known_date <= %s
        on conflict (department, entity, batch_id)
            do update set signature = excluded.signature, as_of = excluded.as_of
            where known.signature <> excluded.signature
        returning batch_id
        """,
        (entity.signature, as_of, department, name, as_of),
    )
    batches = [batch for (batch,) in cursor.fetchall()]
    insert = sql.SQL("""
        insert into delivered_values
        select distinct v.kind, v.region, v.value
        from {source} r
        cross join lateral (values {values}) v (kind, region, value)
        where {chosen} and v.value is not null
    """)
    if batches:
        chosen = sql.SQL("r._batch_id = any(%s)")
        cursor.execute(insert.format(source=entity.table, values=entity.values(in_row), chosen=chosen), (batches,))
    repairs = sql.Identifier("quarantine", "repairs")
    chosen = sql.SQL("r.department = %s and r.entity = %s")
    cursor.execute(insert.format(source=repairs, values=entity.values(in_record), chosen=chosen), (department, name))
    return len(batches)


def _new_values(connection: Connection) -> pd.DataFrame:
    query = """
        select distinct d.kind, d.region, md5(d.value) as original_key, d.value as original_value
        from delivered_values d
        where not exists (
            select from normalised.distinct_values known
            where known.kind = d.kind and known.region = d.region and known.original_key = md5(d.value)
        )
    """
    return written(read_frame(connection, query))
