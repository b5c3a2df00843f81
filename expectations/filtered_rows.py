"""Count what staging marked as machines, testers and staff, and keep it in the health of each department."""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.department_health import DAYS_SHOWN
from runtime.warehouse import transaction

# Every staging table that marks rows, whatever department it is of: a new one needs no edit here.
MARKED = """
    select table_name, substring(table_name from '^stg_([a-z0-9_]+?)__'), array_agg(column_name::text)
    from information_schema.columns
    where table_schema = 'staging' and column_name in ('is_bot', 'is_test')
    group by table_name
    order by table_name
"""
COUNTED = sql.SQL("""
    select {department}::text as department, count(*) filter (where {is_bot}) as machine_rows,
        count(*) filter (where {is_test}) as test_rows
    from {table}
    where known_date > {as_of} - {days} and known_date <= {as_of}
""")


def count_filtered_rows(as_of: date) -> str:
    """Write machine_rows and test_rows of the last 7 days into quality.department_health of `as_of`; say what was seen.

    Runs after staging is built. A department that was not checked that day has no row and gets none.
    """
    with transaction() as connection:
        return write_filtered_rows(connection, as_of)


def write_filtered_rows(connection: Connection, as_of: date) -> str:
    """Do the work of `count_filtered_rows` in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(MARKED)
        counts = [
            COUNTED.format(
                department=sql.Literal(department),
                table=sql.Identifier("staging", table),
                as_of=sql.SQL("date {}").format(sql.Literal(as_of.isoformat())),
                days=sql.Literal(DAYS_SHOWN),
                **{mark: sql.SQL(mark if mark in marks else "false") for mark in ("is_bot", "is_test")},
            )
            for table, department, marks in cursor.fetchall()
        ]
        if not counts:
            return "no staging table marks machines or testers"
        cursor.execute(
            sql.SQL("""
                update quality.department_health h
                set machine_rows = s.machine_rows, test_rows = s.test_rows
                from (
                    select department, sum(machine_rows) as machine_rows, sum(test_rows) as test_rows
                    from ({counts}) c
                    group by department
                ) s
                where h.department = s.department and h.as_of = %s
                returning h.department || ': ' || h.machine_rows || ' rows of machines, ' || h.test_rows || ' of tests'
            """).format(counts=sql.SQL(" union all ").join(counts)),
            (as_of,),
        )
        return "; ".join(sorted(line for (line,) in cursor.fetchall()))
