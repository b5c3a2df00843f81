"""Only new values are written, twice changes nothing, other rules write all anew, what nobody holds is forgotten."""

from datetime import date

import psycopg2
import pytest

from normalisation import normalise as normalising
from normalisation.forget import forget_unused_values
from normalisation.normalise import Normalised, normalise_values
from runtime.warehouse import transaction
from tests.privacy.conftest import privacy_warehouse, shared_database  # noqa: F401

DAY, NEXT = date(2025, 6, 1), date(2025, 6, 2)
CONTACTS = """
    create table raw_crm.contacts (
        contact_no text, first_name text, last_name text, email text, phone text, street text, postcode text, town text,
        country text, loyalty_card_no text, _batch_id text, _row_number bigint
    )
"""
VALUES = "select kind, region, original_value, normalised_value, reason from normalised.distinct_values"


def execute(statement: str, values=None, role: str = "cx_pipeline") -> None:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def rows(query: str, role: str = "cx_pipeline") -> list[tuple]:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return sorted(cursor.fetchall(), key=str)


def deliver(batch: str, known: date, *contacts: tuple) -> None:
    """Land contacts (number, last name, e-mail, phone, country) that the gate accepts."""
    for number, contact in enumerate(contacts, 1):
        execute(
            "insert into raw_crm.contacts (contact_no, last_name, email, phone, country, _batch_id, _row_number)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (*contact, batch, number),
            "cx_landing",
        )
    execute(
        "insert into quality.batch_verdicts values ('crm', 'contacts', %s, %s, %s, 'accepted')", (batch, known, known)
    )


@pytest.fixture
def nordhaus(privacy_warehouse, monkeypatch):  # noqa: F811
    """The contracts of Nordhaus with two contacts in raw; the second shares the name of the first."""
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    execute(CONTACTS, role="cx_landing")
    deliver("b1", DAY, ("K1", "Groß", " Anna@Example.org", "0170 1234567", "DE"), ("K2", "Groß", "b,c", "kein", ""))


def test_only_what_no_run_has_seen_is_written(nordhaus):
    assert normalise_values(DAY) == Normalised(batches=1, values=5, invalid=2, rewritten=0)
    first = rows(VALUES)
    assert first == [
        ("email", "", "Anna@Example.org", "anna@example.org", None),
        ("email", "", "b,c", None, "no e-mail address (EmailSyntaxError)"),
        ("person_name", "", "Groß", "gross", None),
        ("phone", "", "kein", None, "letters in a number"),
        ("phone", "DE", "0170 1234567", "+491701234567", None),
    ]
    assert normalise_values(DAY) == Normalised(0, 0, 0, 0)
    assert rows(VALUES) == first
    deliver("b2", NEXT, ("K3", "Groß", "c@example.org", "0170 1234567", "AT"))
    assert normalise_values(DAY) == Normalised(0, 0, 0, 0), "what is known later is not for this day"
    assert normalise_values(NEXT) == Normalised(1, 2, 0, 0)
    assert set(rows(VALUES)) > set(first)


def test_a_repair_is_normalised_without_a_new_batch(nordhaus):
    normalise_values(DAY)
    execute(
        "insert into quarantine.repairs values"
        " ('crm', 'contacts', 'b1', 2, '{\"email\": \"b@example.org\"}', 'email', 1, 'me', 'told', '2025-06-01')"
    )
    assert normalise_values(DAY) == Normalised(0, 1, 0, 0)


def test_other_rules_write_everything_anew(nordhaus, monkeypatch):
    normalise_values(DAY)
    execute("update normalised.distinct_values set normalised_value = 'by an older library' where reason is null")
    assert normalise_values(DAY).rewritten == 0
    monkeypatch.setattr(normalising, "version", lambda: "phonenumbers of tomorrow")
    done = normalise_values(DAY)
    assert (done.rewritten, done.values) == (5, 0)
    assert not rows(f"{VALUES} where normalised_value = 'by an older library'")
    assert rows("select version from normalised.ruleset") == [("phonenumbers of tomorrow",)]
    assert normalise_values(DAY).rewritten == 0


def test_a_run_that_fails_leaves_nothing(nordhaus, monkeypatch):
    def breaks(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(normalising, "copy_frame", breaks)
    with pytest.raises(RuntimeError):
        normalise_values(DAY)
    monkeypatch.undo()
    assert not rows(VALUES) and not rows("select * from normalised.batches")


def test_a_contract_that_asks_for_more_takes_the_old_batches_again(nordhaus):
    normalise_values(DAY)
    execute("delete from normalised.distinct_values where kind = 'phone'")
    execute("update normalised.batches set signature = 'email as email None {}'")
    assert normalise_values(DAY) == Normalised(1, 2, 1, 0)


def test_what_no_record_holds_is_forgotten_and_what_others_share_stays(nordhaus):
    normalise_values(DAY)
    execute("delete from raw_crm.contacts where contact_no = 'K1'", role="cx_landing")
    with transaction("cx_privacy") as connection:
        assert forget_unused_values(connection) == 2
    assert rows("select original_value from normalised.distinct_values") == [("Groß",), ("b,c",), ("kein",)]


@pytest.mark.parametrize("role", ["cx_bi", "cx_agent", "cx_landing"])
def test_nobody_else_reads_the_values(nordhaus, role):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(VALUES, role=role)
