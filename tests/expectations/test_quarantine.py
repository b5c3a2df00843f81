"""Rows that break their contract wait in quarantine with a sentence a steward understands; nothing else does."""

import psycopg2
import pytest

from landing.contracts import Contract, load_contract
from runtime.warehouse import transaction
from tests.expectations.conftest import day

FILE = "till/transactions_2017-12-04.csv"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": "abc"}, "quantity 'abc' is not an integer"),
        ({"quantity": "1.5"}, "quantity '1.5' is not an integer"),
        ({"quantity": ""}, "quantity is missing"),
        ({"quantity": "   "}, "quantity is missing"),
        ({"quantity": None}, "quantity is missing"),
        ({"sales_value": "NaN"}, "sales_value 'NaN' is not a number"),
        ({"sales_value": "-Infinity"}, "sales_value '-Infinity' is not a number"),
        ({"sales_value": "-0.01"}, "sales_value '-0.01' is below 0"),
        ({"week": "54"}, "week '54' is above 53"),
        ({"week": "0"}, "week '0' is below 1"),
        ({"transaction_timestamp": "now"}, "transaction_timestamp 'now' is not a timestamp (YYYY-MM-DD hh:mm:ss)"),
        ({"transaction_timestamp": "04.12.2017 10:00"}, "transaction_timestamp '04.12.2017 10:00' is not a timestamp"),
        ({"transaction_timestamp": "2017-02-30 10:00:00"}, "transaction_timestamp '2017-02-30 10:00:00' is not a"),
        (
            {"transaction_timestamp": "2018-12-04 10:00:00"},
            "transaction_timestamp '2018-12-04 10:00:00' lies after the day of its delivery",
        ),
        ({"household_id": "Ann Smith"}, "household_id (value withheld) is not an integer"),
        ({"household_id": "0"}, "household_id (value withheld) is below 1"),
    ],
)
def test_a_broken_value_is_named_with_file_row_and_reason(house, change, reason):
    batch = house.deliver("transactions", day(4), [{"basket_id": "1"}, {"basket_id": "2", **change}])
    house.sort_out("till", day(4))
    (found,) = house.reasons()
    assert found.startswith(f"{FILE} row 2: {reason}")
    ((batch_id, row_number, record),) = house.rows("select batch_id, row_number, record from quarantine.rejected_rows")
    assert (batch_id, row_number) == (batch, 2)
    assert record["basket_id"] == "2"
    assert {name: record[name] for name in change} == change
    assert not [name for name in record if name.startswith("_")]


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "-1"},
        {"quantity": " 2"},
        {"transaction_timestamp": f"{day(5)} 23:59:59"},
        {"sales_value": "+1.5"},
        {"sales_value": ".5"},
        {"transaction_timestamp": "2017-12-04T16:00:00Z"},
        {"week": "53"},
        {"household_id": "1"},
    ],
)
def test_what_staging_can_cast_passes(house, change):
    house.deliver("transactions", day(4), [change])
    house.sort_out("till", day(4))
    assert house.reasons() == []


def test_an_optional_value_may_be_missing(house):
    house.deliver("demographics", day(4), [{"age": ""}, {"household_id": "8", "age": None}])
    house.sort_out("crm", day(4))
    assert house.reasons() == []


def test_a_row_with_two_broken_values_has_two_reasons_and_counts_once(house):
    house.deliver("transactions", day(4), [{"quantity": "x", "week": "99"}, {"basket_id": "2"}])
    result = house.check("raw.till", day(4))
    assert len(house.reasons()) == 2
    (warning,) = result.failures("warning")
    assert "1 of 2 rows in quarantine" in warning.observed


def test_of_a_repeated_key_the_first_row_stays(house):
    house.deliver("transactions", day(4), [{}, {"basket_id": "2"}, {"sales_value": "9"}])
    house.deliver("transactions", day(5), [{"sales_value": "8"}])
    house.sort_out("till", day(5))
    same = "same basket_id, product_id as row 1 of"
    assert house.reasons() == [
        f"{FILE} row 3: {same} {FILE}",
        f"till/transactions_2017-12-05.csv row 1: {same} {FILE}",
    ]


def test_a_key_that_was_accepted_before_is_rejected(house):
    house.deliver("transactions", day(4), [{}])
    house.check("raw.till", day(4))
    house.deliver("transactions", day(5), [{}, {"basket_id": "2"}])
    house.sort_out("till", day(5))
    assert house.reasons() == [
        f"till/transactions_2017-12-05.csv row 1: same basket_id, product_id as row 1 of {FILE}, accepted on 2017-12-04"
    ]


def test_a_good_row_is_not_blamed_for_the_same_key_in_a_broken_one(house):
    house.deliver("transactions", day(4), [{"quantity": "x"}, {}])
    house.sort_out("till", day(4))
    assert house.reasons() == [f"{FILE} row 1: quantity 'x' is not an integer"]


def test_every_list_may_repeat_the_keys_of_the_list_before(house):
    house.deliver("demographics", day(-3), [{}])
    house.check("raw.crm", day(-3))
    house.deliver("demographics", day(4), [{}, {"household_id": "8"}, {"household_id": "8"}])
    house.sort_out("crm", day(4))
    assert house.reasons() == [
        "crm/demographics_2017-12-04.csv row 3: same household_id as row 2 of crm/demographics_2017-12-04.csv"
    ]


def test_rows_without_a_key_in_the_contract_may_repeat(house):
    for entity in ("campaign_descriptions", "campaigns"):
        house.deliver(entity, day(4), [{}])
    house.deliver("coupons", day(4), [{}, {}])
    house.sort_out("marketing", day(4))
    assert house.reasons() == []


def test_malformed_lines_come_over_from_landing(house):
    batch = house.deliver("transactions", day(4), [{}])
    house.run(
        "insert into raw_till._malformed_lines values (%s, 2, '7,1,2', 'the line has 3 fields instead of 11')",
        (batch,),
        role="cx_landing",
    )
    house.sort_out("till", day(4))
    assert house.reasons() == [f"{FILE} row 2: the line has 3 fields instead of 11"]
    assert house.rows("select rule, record from quarantine.rejected_rows") == [("malformed_line", {"line": "7,1,2"})]


def test_what_a_steward_released_stays_released(house):
    house.deliver("transactions", day(4), [{"week": "99"}])
    house.sort_out("till", day(4))
    house.run("update quarantine.rejected_rows set status = 'released'")
    house.sort_out("till", day(4))
    assert house.rows("select status from quarantine.rejected_rows") == [("released",)]


def test_what_privacy_took_out_stays_on_record(house):
    batch = house.deliver("transactions", day(4), [{}])
    house.run(
        "insert into quarantine.rejected_rows values"
        " ('till', 'transactions', %s, 2, 'household_id', 'erased', 'erased', '{}', '2017-12-04', 'discarded')",
        (batch,),
    )
    house.sort_out("till", day(4))
    assert house.reasons() == ["erased"]


def test_a_reason_goes_when_a_changed_contract_no_longer_gives_it(house):
    house.deliver("transactions", day(4), [{"week": "99"}])
    house.sort_out("till", day(4))
    loose = load_contract("till").model_dump()
    for column in loose["entities"][0]["columns"]:
        column["maximum"] = None
    house.sort_out("till", day(4), Contract.model_validate(loose))
    assert house.reasons() == []


def test_values_with_quotes_braces_and_percent_signs_are_only_values(house):
    house.deliver("transactions", day(4), [{"quantity": "'; drop table x; -- {0} %s :y"}])
    house.sort_out("till", day(4))
    assert house.reasons() == [f"{FILE} row 1: quantity ''; drop table x; -- {{0}} %s :y' is not an integer"]


@pytest.mark.parametrize("role", ["cx_bi", "cx_agent", "cx_landing"])
def test_quarantine_is_closed_to_other_roles(house, role):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), transaction(role) as connection:
        connection.cursor().execute("select * from quarantine.rejected_rows")
