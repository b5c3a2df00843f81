"""What the tests of requests look at: rows, and every row of every table."""

from psycopg2 import sql

from privacy.subjects import table_columns
from runtime.warehouse import transaction

NOTHING_DONE = {
    "access_done": 0,
    "access_refused": 0,
    "erasure_done": 0,
    "erasure_refused": 0,
    "returned_erased": 0,
    "exports_removed": 0,
}


def rows(query: str, role: str = "cx_pipeline") -> list[tuple]:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def execute(statement: str, role: str = "cx_pipeline") -> None:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def everything() -> str:
    """Print every row of every table, to search it."""
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        tables = sorted({table for table, _ in table_columns(connection)})
        tables += ["privacy.requests", "privacy.suppressions", "privacy.erasure_receipts", "privacy.subjects_at_hand"]
        printed = []
        for table in tables:
            cursor.execute(sql.SQL("select to_jsonb(t)::text from {} as t").format(sql.Identifier(*table.split("."))))
            printed += [table + " " + row for (row,) in cursor.fetchall()]
    return "\n".join(printed)
