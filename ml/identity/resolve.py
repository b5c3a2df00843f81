"""Who is whose customer on a day: from `identity.person_records` to customer ids, their history and who moved.

One transaction a day, safe to run twice, for an earlier day too. Every result is a function of the records known by
`as_of` and the decisions in force; the DuckDB file beside the warehouse only saves time (`cache.py`).
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg2
from psycopg2 import sql

from ml.identity import constraints, founders, history, store
from ml.identity.learned import Model
from ml.identity.learning import Learned, model_of
from ml.identity.person_records import PersonRecords, load_person_records
from runtime.settings import settings
from runtime.warehouse import read_frame, transaction

INTO = "identity.person"
TRIED = "pg_temp.tried"
DESCRIBED = """
    select records.*, dates.verified_birth_date
    from identity.person_records as records
    left join pg_temp.verified_dates as dates using (entity_id)
    where records.entity_kind in ('account', 'contact') and records.known_date <= {}
"""
# Records that came or went since the last run. A record's id is a hash of what it says, so the others say what they
# said; but a record may change what is verified of its entity, so all records of the entity are looked at again.
CHANGED = """
    drop table if exists pg_temp.changed_records;
    create temporary table changed_records on commit drop as
    with described as materialized ({described}),

    came as (
        select entity_id from described
        where not exists (select from identity.person_clusters as known where known.record_id = described.record_id)
    ),

    went as (
        select cluster_id from identity.person_clusters as known
        where not exists (select from described where described.record_id = known.record_id)
    )

    select record_id from described where entity_id in (select entity_id from came)
    union
    select record_id from identity.person_clusters where cluster_id in (select cluster_id from went);
    analyze pg_temp.changed_records;
"""
COLUMNS = "entity_kind, source_key, customer_id, first_known_date, is_founder"


class ResolveError(RuntimeError):
    """Customers cannot be worked out; the message says what to do."""


@dataclass(frozen=True)
class Resolution:
    """What a run found: descriptions linked, entities and customers there are; how many entities it found new, merged,
    split off or gone; joins it had to refuse; held values, suspicious clusters; the model and its learning day."""

    as_of: date
    records: int = 0
    entities: int = 0
    customers: int = 0
    new: int = 0
    merged: int = 0
    split: int = 0
    gone: int = 0
    refused: int = 0
    held: int = 0
    suspicious: int = 0
    model: str = "none"
    learned_date: date | None = None

    def summary(self) -> str:
        """One line for the log, without any value."""
        if not self.entities and not self.gone:
            return f"no person records are known by {self.as_of}: nothing to resolve"
        model = f"model {self.model[:8]} of {self.learned_date}" if self.learned_date else "rules only, too few records"
        refused = f", {self.refused} joins refused" if self.refused else ""
        return (
            f"{self.records} records, {self.entities} entities, {self.customers} customers; entities: {self.new} new, "
            f"{self.merged} merged, {self.split} split, {self.gone} gone{refused}; {self.held} held values, "
            f"{self.suspicious} suspicious clusters; {model}"
        )


def resolve_customers(as_of: date) -> Resolution:
    """Work out the customers of `as_of` in one transaction."""
    with transaction() as connection:
        return resolve(connection, as_of, settings().home / "identity" / "person.duckdb")


def resolve(
    connection: psycopg2.extensions.connection,
    as_of: date,
    file: Path | None = None,
    how: PersonRecords | None = None,
) -> Resolution:
    """Do the work of `resolve_customers` in the caller's transaction.

    `file`: the cache (`store.link_records`). `how`: the rules, by default those of `person_records.yml`. Without any
    record, now and before, nothing is written. Raises `ResolveError` without the table of records.
    """
    if not are_there(connection, as_of):
        return Resolution(as_of)
    how = how or load_person_records()
    learned = model_of(connection, as_of, how)
    records, refused = work_out(connection, as_of, how, learned.model, INTO, file)
    begun = history.write(connection, as_of)
    return Resolution(as_of, records, *counts(connection), **begun, refused=refused, **said(learned, connection))


def find(
    connection: psycopg2.extensions.connection,
    as_of: date,
    how: PersonRecords | None = None,
    model: Model | None = None,
) -> pd.DataFrame:
    """Work out `entity_customers` of `as_of` under other rules or another threshold, and write nothing.

    `how`: the rules to try (default: those in force). `model`: what to score with; by default that of `as_of`, which
    is not kept if it has to be learned.
    """
    if not are_there(connection, as_of):
        return pd.DataFrame(columns=COLUMNS.split(", "))
    how = how or load_person_records()
    model = model or model_of(connection, as_of, how, is_kept=False).model
    work_out(connection, as_of, how, model, TRIED, None)
    found = read_frame(connection, f"select {COLUMNS} from {founders.FOUND} order by 1, 2")
    with connection.cursor() as cursor:
        cursor.execute(f"drop table {', '.join(f'{TRIED}_{name}' for name in store.TABLES)}")
    return found


def are_there(connection: psycopg2.extensions.connection, as_of: date) -> bool:
    """Say whether any entity is known by `as_of` or was by an earlier run; let one run at a time go on."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 4))", ("ml.identity.resolve",))
        cursor.execute("select to_regclass('identity.person_records') is not null")
        if not cursor.fetchone()[0]:
            raise ResolveError(
                "There is no identity.person_records: run `dbt build` for the group build_evidence first."
            )
        cursor.execute(
            """select exists (select from identity.person_records where known_date <= %s)
                or exists (select from identity.entity_customers)""",
            (as_of,),
        )
        return cursor.fetchone()[0]


def work_out(
    connection: psycopg2.extensions.connection,
    as_of: date,
    how: PersonRecords,
    model: Model,
    into: str,
    file: Path | None,
) -> tuple[int, int]:
    """Link the records into the tables of `into` and write each entity's customer to `founders.FOUND`.

    Gives how many descriptions were linked and how many joins were refused.
    """
    constraints.gather(connection, as_of)
    described = sql.SQL(DESCRIBED).format(sql.Literal(as_of))
    if file is not None:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(CHANGED).format(described=described))
    written = store.link_records(
        connection,
        described,
        how.mapping,
        into,
        forbidden=constraints.SPLITS,
        entity="entity_id",
        model=model,
        changed="select record_id from pg_temp.changed_records" if file is not None else None,
        file=file,
        threshold=how.threshold,
        functional="verified_birth_date",
    )
    united, refused = constraints.joined_clusters(connection, f"{into}_clusters")
    founders.find_customers(connection, f"{into}_clusters", united)
    return written.records, refused


def counts(connection: psycopg2.extensions.connection) -> tuple[int, int]:
    """Count entities and customers."""
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*), count(distinct customer_id) from {founders.FOUND}")
        return cursor.fetchone()


def said(learned: Learned, connection: psycopg2.extensions.connection) -> dict:
    """Give the rest of what a run says."""
    with connection.cursor() as cursor:
        cursor.execute(f"select (select count(*) from {INTO}_held), (select count(*) from {INTO}_suspicious)")
        held, suspicious = cursor.fetchone()
    return {"held": held, "suspicious": suspicious, "model": learned.model.id, "learned_date": learned.day}
