"""Requests of data subjects: filed by the data protection officer, served once a day, each answered with a receipt."""

import logging
import re
from datetime import date
from typing import Any

import pandas
from psycopg2.extensions import connection as Connection

from privacy import access, forgetting
from privacy.erasure import gather
from privacy.records import follow_records
from privacy.subjects import existing_places
from privacy.suppression import key_hash, normal_key, take_lock
from runtime.warehouse import copy_frame, transaction

logger = logging.getLogger(__name__)
KINDS = ("access", "erasure")
LIST = """
    select request_id, kind, received_date, requested_by, status, handled_as_of, reason
    from privacy.requests order by received_date, request_id
"""


class RequestError(ValueError):
    """A request cannot be filed; the message says why and does not repeat the number."""


def file_request(kind: str, source_key: str, requested_by: str, received: date) -> str:
    """File a request for a number or an e-mail of a person and return its id; an open one is returned again.

    Raises RequestError if kind, number or requester is unusable.
    """
    key = normal_key(source_key)
    if kind not in KINDS:
        raise RequestError(f"There is no request of kind {kind}. Kinds: {', '.join(KINDS)}.")
    if not re.fullmatch(r"[^\W_]+|[\w.+-]+@[\w.-]+", key) or len(key) > 254:
        raise RequestError("It must be a number of letters and digits, or an e-mail address.")
    if not requested_by.strip():
        raise RequestError("Say who asks: the request must be answerable.")
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        take_lock(connection)
        cursor.execute(
            "select request_id from privacy.requests where kind = %s and key_hash = %s and status = 'open'",
            (kind, key_hash(key)),
        )
        if is_open := cursor.fetchone():
            return is_open[0]
        cursor.execute("select count(*) + 1 from privacy.requests where received_date = %s", (received,))
        request = {
            "request_id": f"{received}-{kind}-{cursor.fetchone()[0]}",
            "kind": kind,
            "key_hash": key_hash(key),
            "source_key": key,
            "received_date": received.isoformat(),
            "requested_by": requested_by.strip(),
        }
        copy_frame(connection, pandas.DataFrame([request]), "privacy.requests")
    return request["request_id"]


def list_requests() -> list[tuple[Any, ...]]:
    """Read all requests, oldest first: id, kind, received, by, status, handled, reason. No number is shown."""
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        cursor.execute(LIST)
        return cursor.fetchall()


def serve_requests(as_of: date) -> dict[str, int]:
    """Serve every open request received up to `as_of` and return how many ended how.

    Access first, so that who asks for both still gets the file. The erasures are one transaction; running twice changes
    nothing. Raises UnlistedTable or ErasureIncomplete: then the requests stay open.
    """
    with transaction("cx_privacy") as connection:
        counts = _answer_access(connection, as_of)
    with transaction("cx_privacy") as connection:
        counts |= forgetting.forget(connection, as_of)
        counts["exports_removed"] = _remove_exports_of_the_erased(connection, as_of)
    logger.info("Privacy requests as of %s: %s", as_of, counts)
    return counts


def customers_to_forget(as_of: date) -> list[str]:
    """Name the customers of all open erasures received up to `as_of`: who was told of them has to be told first."""
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        take_lock(connection)
        forgetting.put_requests_at_hand(connection, forgetting.open_requests(connection, "erasure", as_of))
        gather(connection)
        cursor.execute("select value from privacy.subjects_at_hand where identifies = 'customer_id' order by value")
        customers = [customer for (customer,) in cursor.fetchall()]
        take_lock(connection)
        return customers


def _answer_access(connection: Connection, as_of: date) -> dict[str, int]:
    answered = {"access_done": 0, "access_refused": 0}
    take_lock(connection)
    places = existing_places(connection)
    with connection.cursor() as cursor:
        for request_id in forgetting.open_requests(connection, "access", as_of):
            take_lock(connection)
            forgetting.put_requests_at_hand(connection, [request_id])
            gather(connection)
            follow_records(connection, places)
            manifest = access.export_person(connection, request_id, places, as_of)
            status = "done" if manifest["rows"] else "refused"
            forgetting.close_request(
                cursor, request_id, as_of, status, "" if manifest["rows"] else forgetting.UNKNOWN, manifest
            )
            answered[f"access_{status}"] += 1
    take_lock(connection)
    return answered


def _remove_exports_of_the_erased(connection: Connection, as_of: date) -> int:
    """Remove the access files of erased persons that were written on an earlier day."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select request_id from privacy.requests join privacy.suppressions using (key_hash)"
            " where kind = 'access' and status = 'done' and handled_as_of < %s",
            (as_of,),
        )
        requests = [request_id for (request_id,) in cursor.fetchall()]
    return sum(access.remove_export(request_id) for request_id in requests)
