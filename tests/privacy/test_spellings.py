"""A person is forgotten in every spelling of the e-mail, and in the values that were written one way."""

from datetime import date

import pytest

from normalisation.normalise import normalise_values
from privacy.requests import file_request, serve_requests
from tests.normalisation.test_normalise import CONTACTS, DAY, deliver, execute, rows


@pytest.fixture
def anna(privacy_warehouse, monkeypatch):
    """A contact whose e-mail two records write in two ways, neither as the key; and somebody else's record."""
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    execute(CONTACTS, role="cx_landing")
    deliver(
        "b1",
        DAY,
        ("K1", "Groß", "Anna <anna@bücher.example>", "0170 1234567", "DE"),
        ("K2", "Groß", "ANNA@xn--bcher-kva.example", "0170 7654321", "DE"),
        ("K3", "Groß", "ben@example.org", "00017", "DE"),
    )
    normalise_values(DAY)
    execute("alter table identity.customer_ids drop constraint customer_ids_pkey")
    execute(
        "insert into identity.customer_ids values"
        " ('c9', 'K1', '2025-06-01'), ('c9', 'anna@xn--bcher-kva.example', '2025-06-01')"
    )


def test_every_spelling_and_every_value_of_nobody_else_goes(anna):
    file_request("erasure", "K1", "case 1", date(2025, 6, 2))
    assert serve_requests(date(2025, 6, 2))["erasure_done"] == 1
    assert rows("select contact_no from raw_crm.contacts") == [("K3",)]
    left = rows("select original_value from normalised.distinct_values")
    assert left == [("00017",), ("Groß",), ("ben@example.org",)]
    counted = rows("select row_count from privacy.erasure_receipts where table_name = 'normalised.distinct_values'")
    assert counted == [(2,)]
    assert serve_requests(date(2025, 6, 3))["returned_erased"] == 0


def test_a_number_that_looks_like_a_postcode_or_phone_takes_no_value_along(anna):
    file_request("erasure", "17", "case 2", date(2025, 6, 2))
    assert serve_requests(date(2025, 6, 2))["erasure_done"] == 1
    assert ("00017",) in rows("select original_value from normalised.distinct_values")


def test_a_mailbox_goes_from_the_golden_record_of_whoever_shares_it_and_no_other_value_does(anna):
    execute(
        "create table marts.customer_attributes (customer_id text, attribute text, value_key text, source_key text)"
    )
    execute(
        "insert into marts.customer_attributes values ('c9', 'surname', 'gross', 'K1'),"
        " ('c7', 'email', 'anna@xn--bcher-kva.example', 'K9'), ('c7', 'phone', 'k1', 'K9'), ('c7', 'town', 'ulm', 'K9')"
    )
    file_request("erasure", "K1", "case 3", date(2025, 6, 2))
    assert serve_requests(date(2025, 6, 2))["erasure_done"] == 1
    assert rows("select attribute from marts.customer_attributes order by attribute") == [("phone",), ("town",)]
