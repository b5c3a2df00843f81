"""Carry out the open erasures in one transaction: erase, suppress, verify, and write the receipts."""

import shutil
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from landing.contracts import load_contract
from normalisation.forget import forget_unused_values, wait_for_normalisation
from privacy.erasure import TREATMENTS, erase, gather
from privacy.records import follow_records
from privacy.subjects import Place, existing_places
from privacy.suppression import key_hash, put_at_hand, returned_keys, suppressed_hashes, take_lock
from privacy.verification import ErasureIncomplete, Scan, scan
from runtime.settings import settings

UNKNOWN = "No row carries this number: compare it with the loyalty card and file the request again."
STATEMENTS = {
    "departments": "Each department keeps the files it delivered and the data it delivered them from: inform it. "
    "What it delivers again about this person is taken out before the gate.",
    "models": "Models and artifacts in MLflow hold weights, trees and figures over many persons, no row and no id of "
    "one: they stay.",
    "decisions": "Decisions stay in the ledger with their probabilities, under random ids that lead to nobody.",
    "values": "How a name, an address or a number is written one way is kept once for all records that hold the text: "
    "what no delivered record holds any more was deleted.",
    "destinations": "Every destination that had been told of this person took it out before.",
    "not_scanned": "Backups of the database server; files of changes that a destination has not taken away yet; the "
    "metadata of MLflow, which holds no id, and of Airflow, which keeps the forms of steward_identities with what a "
    "steward typed: delete these runs there.",
}
ADD_RECEIPTS = """
    insert into privacy.erasure_receipts as receipt (request_id, table_name, treatment, row_count, rows_left) values %s
    on conflict (request_id, table_name) do update set row_count = receipt.row_count + excluded.row_count
"""

Erased = dict[str, dict[str, tuple[str, int]]]


def forget(connection: Connection, as_of: date) -> dict[str, int]:
    """Erase the persons of all open erasures, and whoever was erased before and came back; return what was done.

    Raises ErasureIncomplete if any id is left anywhere: the caller's transaction is then rolled back.
    """
    take_lock(connection)
    requests = open_requests(connection, "erasure", as_of)
    put_requests_at_hand(connection, requests)
    places = existing_places(connection)
    returned = _put_returned_at_hand(connection, places)
    if not requests and not returned:
        return {"erasure_done": 0, "erasure_refused": 0, "returned_erased": 0}
    wait_for_normalisation(connection)
    _wait_for_resolve(connection)
    gather(connection)
    _require_taken_back(connection)
    follow_records(connection, places)
    erased = erase(connection, places)
    forget_unused_values(connection)
    seen = scan(connection, places)
    if seen.left:
        raise ErasureIncomplete(f"Rows that name an erased person are left in {', '.join(sorted(seen.left))}.")
    known = [request_id for request_id in requests if request_id in erased]
    _suppress(connection, [*known, *returned], as_of)
    _write_receipts(connection, erased, places)
    # What linking keeps beside the warehouse (ml/identity/cache.py); the next run builds it anew from what is left.
    shutil.rmtree(settings().home / "identity", ignore_errors=True)
    with connection.cursor() as cursor:
        for request_id in requests:
            if request_id in erased:
                receipt = _receipt(erased[request_id], places, seen, as_of)
                close_request(cursor, request_id, as_of, "done", "", receipt)
            else:
                close_request(cursor, request_id, as_of, "refused", UNKNOWN, {})
    take_lock(connection)
    return {
        "erasure_done": len(known),
        "erasure_refused": len(requests) - len(known),
        "returned_erased": len(returned),
    }


def _require_taken_back(connection: Connection) -> None:
    """Raise ErasureIncomplete while a destination holds, or may hold, a person at hand: its trace would go, too."""
    with connection.cursor() as cursor:
        cursor.execute("""
            select distinct told.destination
            from (
                select destination, customer_id from activation.acknowledged
                union all
                select destination, customer_id from activation.deliveries where status = 'pending' and attempts > 0
            ) as told
            join privacy.subjects_at_hand as subject
                on subject.identifies = 'customer_id' and subject.value = told.customer_id
            order by 1
        """)
        holding = [destination for (destination,) in cursor.fetchall()]
    if holding:
        raise ErasureIncomplete(
            f"{', '.join(holding)} may still hold an erased person: run take_back of serve_privacy_requests first."
        )


def _wait_for_resolve(connection: Connection) -> None:
    """Let no run link persons and write its file from rows that this transaction is about to delete, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('ml.identity.resolve', 4))")


def open_requests(connection: Connection, kind: str, as_of: date) -> list[str]:
    """Name the open requests of a kind that were received up to `as_of`, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select request_id from privacy.requests where status = 'open' and kind = %s and received_date <= %s"
            " order by received_date, request_id",
            (kind, as_of),
        )
        return [request_id for (request_id,) in cursor.fetchall()]


def put_requests_at_hand(connection: Connection, requests: list[str]) -> None:
    """Put the household numbers of the requests into privacy.subjects_at_hand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into privacy.subjects_at_hand (request_id, identifies, value)"
            " select request_id, 'source_key', source_key from privacy.requests where request_id = any(%s)",
            (requests,),
        )


def close_request(
    cursor: Cursor, request_id: str, as_of: date, status: str, reason: str, receipt: dict[str, Any]
) -> None:
    """End a request; its household number goes."""
    cursor.execute(
        "update privacy.requests set status = %s, reason = %s, handled_as_of = %s, receipt = %s, source_key = null"
        " where request_id = %s",
        (status, reason, as_of, Json(receipt), request_id),
    )


def _put_returned_at_hand(connection: Connection, places: list[Place]) -> list[str]:
    """Find erased persons that are in a table again, put them at hand under their erasure's id, and give these ids.

    That happens if a task that had read a person's rows before the erasure writes them after it.
    """
    if not suppressed_hashes(connection):
        return []
    written = [
        sql.SQL("select found.{}::text from {} as found").format(sql.Identifier(place.column), place.name)
        for place in places
        if place.identifies == "source_key" and not (place.json_key or place.in_text or place.kind)
    ]
    written += [
        sql.SQL("select found.source_key::text from {} as found").format(place.name)
        for place in places
        if place.table == "identity.customer_ids"
    ]
    with connection.cursor() as cursor:
        cursor.execute("select value from privacy.subjects_at_hand")
        at_hand = {value for (value,) in cursor.fetchall()}
        cursor.execute(
            "select key_hash, min(request_id) from privacy.requests where kind = 'erasure' and status = 'done'"
            " group by key_hash"
        )
        erasures = dict(cursor.fetchall())
    returned = []
    for key in returned_keys(connection, sql.SQL(" union all ").join(written)) if written else []:
        if key not in at_hand:
            returned.append(erasures.get(key_hash(key), "returned"))
            put_at_hand(connection, returned[-1], [key])
    return returned


def _suppress(connection: Connection, requests: list[str], as_of: date) -> None:
    """Remember, as hashes, every number of the erased persons and of their records."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct value from privacy.subjects_at_hand"
            " where identifies in ('source_key', 'record_id') and request_id = any(%s)",
            (requests,),
        )
        hashes = [(key_hash(value), as_of) for (value,) in cursor.fetchall()]
        if hashes:
            statement = "insert into privacy.suppressions (key_hash, since_as_of) values %s on conflict do nothing"
            execute_values(cursor, statement, hashes)


def _write_receipts(connection: Connection, erased: Erased, places: list[Place]) -> None:
    """Write one row per erasure and table; what a returned person had is added to the first erasure's count."""
    treatments = {place.table: TREATMENTS[place.treatment] for place in places}
    rows = [
        (request_id, table, treatment, counts.get(table, ("", 0))[1], 0)
        for request_id, counts in erased.items()
        for table, treatment in treatments.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            execute_values(cursor, ADD_RECEIPTS, rows)


def _receipt(counts: dict[str, tuple[str, int]], places: list[Place], seen: Scan, as_of: date) -> dict[str, Any]:
    departments = sorted({place.department for place in places if place.department and place.table in counts})
    return {
        "as_of": as_of.isoformat(),
        "rows": {table: {treatment: count} for table, (treatment, count) in sorted(counts.items())},
        "verification": {"tables": seen.tables, "columns": seen.columns, "rows_left": sum(seen.left.values())},
        "departments_to_inform": {name: load_contract(name).owner for name in departments},
        "statements": STATEMENTS,
    }
