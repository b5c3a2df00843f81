"""Who may do what in privacy, tried role by role, and one way to write a household number."""

import psycopg2
import pytest

from privacy.suppression import normal_key
from runtime.warehouse import transaction

WRITTEN = ["17", " 17", "0017", "17.0", "17.00", "17.5", "170", "0", "A17", "", "1.0.0", "00.0"]

pytestmark = pytest.mark.usefixtures("shared_warehouse")


def refused(statement: str, role: str) -> bool:
    with transaction(role) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except psycopg2.errors.InsufficientPrivilege:
            return True
        finally:
            connection.rollback()
    return False


@pytest.mark.parametrize("role", ["cx_bi", "cx_agent", "cx_landing"])
@pytest.mark.parametrize(
    "statement",
    ["select * from privacy.requests", "select * from privacy.suppressions", "select privacy.pseudonymise_decisions()"],
)
def test_others_neither_read_nor_do_what_privacy_does(role, statement):
    assert refused(statement, role)


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.customer_records set age_band = ''",
        "insert into marts.customer_records values ('c9', '')",
        "update decisions.decision_ledger set customer_id = 'x'",
        "truncate raw_till.transactions",
        "drop table marts.customer_records",
    ],
)
def test_privacy_reads_and_deletes_and_nothing_else(statement):
    assert refused(statement, "cx_privacy")
    assert not refused("delete from marts.customer_records", "cx_privacy")


def test_python_and_the_database_write_a_number_the_same_way():
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        cursor.execute("select written, privacy.normal_key(written) from unnest(%s) as written", (WRITTEN,))
        assert dict(cursor.fetchall()) == {written: normal_key(written) for written in WRITTEN}
