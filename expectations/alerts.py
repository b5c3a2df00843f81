"""Tell once a day that a department is late: a row in `quality.alerts` and a warning in the task's log."""

import logging
from datetime import date

from psycopg2.extensions import connection as Connection

log = logging.getLogger(__name__)

LATE = "late"


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
