"""Tell once a day what is wrong with a department: a row in `quality.alerts` and a warning in the task's log."""

import logging
from collections.abc import Sequence
from datetime import date, timedelta

from psycopg2.extensions import connection as Connection

from runtime.warehouse import transaction

log = logging.getLogger(__name__)

LATE, OVERDUE = "late", "overdue"


def alert_when_late(connection: Connection, department: str, as_of: date, message: str | None) -> None:
    """Replace the department's alert of this day by `message`, or take it away if there is none (None).

    One row per day and department however often the gate runs; it belongs to the gate's transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from quality.alerts where department = %s and as_of = %s and kind = %s", (department, as_of, LATE)
        )
        if message is not None:
            cursor.execute(
                "insert into quality.alerts (department, as_of, kind, message) values (%s, %s, %s, %s)",
                (department, as_of, LATE, message),
            )
            log.warning("%s is late: %s", department, message)


def alert_overdue_departments(departments: Sequence[str], as_of: date, limit: timedelta) -> list[str]:
    """Alert for each of the departments that has no verdict for this day, and return their names.

    Running it twice changes nothing; an alert stays when the department comes after all: it was overdue.
    """
    message = f"Landing and check were not done {limit.total_seconds() / 60:.0f} minutes after they were due."
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select department from quality.department_status where as_of = %s", (as_of,))
        checked = {department for (department,) in cursor.fetchall()}
        overdue = [department for department in departments if department not in checked]
        for department in overdue:
            cursor.execute(
                "insert into quality.alerts (department, as_of, kind, message) values (%s, %s, %s, %s)"
                " on conflict do nothing",
                (department, as_of, OVERDUE, message),
            )
    for department in overdue:
        log.warning("%s is overdue: %s", department, message)
    return overdue


def late_message(department: str, as_of: date) -> str | None:
    """Give what the gate said of the department's lateness on this day; None if it is not late."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select message from quality.alerts where department = %s and as_of = %s and kind = %s",
            (department, as_of, LATE),
        )
        row = cursor.fetchone()
    return row[0] if row else None
