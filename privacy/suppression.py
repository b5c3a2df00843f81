"""Keep the forgotten forgotten: whoever was erased does not come back with a re-delivered file."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import date

import pandas
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values

from privacy.records import follow_records
from privacy.subjects import Place, existing_places
from runtime.secrets import secret
from runtime.settings import settings
from runtime.warehouse import copy_frame, transaction

LOCK = 7_203_443  # any number of our own: one transaction at a time works on privacy.subjects_at_hand
SECRET = "privacy_suppression_key"
REASON = "This person has been erased: the row was taken out and its content was not kept."


def normal_key(written: str) -> str:
    """Write a household number or another source key the way the database function privacy.normal_key does."""
    return re.sub(r"\.0*$", "", written.strip(" ").lstrip("0")).lower()


def key_hash(source_key: str) -> str:
    """Hash a normal key with the installation's secret (HMAC-SHA256, hex): without it no number can be tried."""
    return hmac.new(secret(settings(), SECRET).encode(), source_key.encode(), hashlib.sha256).hexdigest()


def take_lock(connection: Connection) -> None:
    """Wait until no other transaction works on subjects, and begin with none at hand."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute("delete from privacy.subjects_at_hand")


def suppress(department: str, as_of: date) -> int:
    """Take the rows of erased persons out of the department's batches that have no verdict yet; return their number.

    So go records that only a number of theirs leads to: the messages of a ticket. Each leaves a row in quarantine with
    rule 'erased' and an empty record. The raw gate calls this before it looks at the rows; twice changes nothing.
    """
    with transaction("cx_privacy") as connection:
        if not suppressed_hashes(connection):
            return 0
        take_lock(connection)
        every_place = existing_places(connection)
        places = [place for place in every_place if place.department == department and not place.in_text]
        for kind in ("source_key", "record_id"):
            written = [_delivered(place) for place in places if place.identifies == kind]
            keys = returned_keys(connection, sql.SQL(" union all ").join(written)) if written else []
            put_at_hand(connection, "suppression", keys, kind)
        follow_records(connection, every_place, department)
        _remember_records(connection, as_of)
        taken = sum(_take_out(connection, place, as_of) for place in places)
        take_lock(connection)
    return taken


def suppressed_hashes(connection: Connection) -> set[str]:
    """Read the hashes of all erased persons."""
    with connection.cursor() as cursor:
        cursor.execute("select key_hash from privacy.suppressions")
        return {row[0] for row in cursor.fetchall()}


def returned_keys(connection: Connection, written_keys: sql.Composable) -> list[str]:
    """Give the normal keys among those of the query `written_keys` (one text column) that are suppressed."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select distinct privacy.normal_key(written) from ({}) as delivered(written)").format(written_keys)
        )
        known = [row[0] for row in cursor.fetchall() if row[0]]
    suppressed = suppressed_hashes(connection)
    return [key for key in known if key_hash(key) in suppressed]


def put_at_hand(connection: Connection, request_id: str, given: Iterable[str], identifies: str = "source_key") -> None:
    """Put numbers into privacy.subjects_at_hand by COPY: they appear in no statement's text."""
    keys = list(given)
    frame = pandas.DataFrame({"request_id": request_id, "identifies": identifies, "value": keys}, dtype=str)
    if keys:
        copy_frame(connection, frame, "privacy.subjects_at_hand")


def _unjudged(place: Place) -> sql.Composed:
    """Write the condition that a row of the place, called `found`, is in a batch without a verdict."""
    schema, _ = place.table.split(".")
    return sql.SQL(
        "found._batch_id in (select batch_id from {batches} as batch where batch.status = 'landed' and not exists ("
        "select from quality.batch_verdicts as judged where judged.department = {department}"
        " and judged.batch_id = batch.batch_id and judged.verdict = 'accepted'))"
    ).format(batches=sql.Identifier(schema, "_batches"), department=sql.Literal(place.department))


def _delivered(place: Place) -> sql.Composed:
    return sql.SQL("select found.{}::text from {} as found where {}").format(
        sql.Identifier(place.column), place.name, _unjudged(place)
    )


def _remember_records(connection: Connection, as_of: date) -> None:
    """Keep out, from now on, what carries the number of a record that was just taken out."""
    with connection.cursor() as cursor:
        cursor.execute("select value from privacy.subjects_at_hand where identifies = 'record_id'")
        hashes = [(key_hash(value), as_of) for (value,) in cursor.fetchall()]
        if hashes:
            statement = "insert into privacy.suppressions (key_hash, since_as_of) values %s on conflict do nothing"
            execute_values(cursor, statement, hashes)


def _take_out(connection: Connection, place: Place, as_of: date) -> int:
    entity = place.table.split(".")[1]
    statement = sql.SQL("""
        with gone as (
            delete from {table} as found using privacy.subjects_at_hand as subject
            where {matches} and {unjudged}
            returning found._batch_id as batch_id, found._row_number as row_number
        )
        insert into quarantine.rejected_rows
            (department, entity, batch_id, row_number, field, rule, reason, record, as_of, status)
        select %s, %s, batch_id, row_number, %s, 'erased', %s, '{{}}', %s, 'discarded' from gone
        on conflict do nothing
    """).format(table=place.name, matches=place.matches(), unjudged=_unjudged(place))
    with connection.cursor() as cursor:
        cursor.execute(statement, (place.department, entity, place.column, REASON, as_of))
        return cursor.rowcount
