"""Landing takes what is new once, in any order of days, and says when each batch became known."""

from datetime import date
from pathlib import Path

import psycopg2
import pytest

from landing import arrivals, ledger
from landing.contracts import load_contract
from landing.land import LandingBusy, land_department
from runtime.warehouse import address, transaction
from tests.landing.conftest import empty_raw

DAY = {n: date(2017, 12, n) for n in range(23, 32)}
ENTITIES = {
    "till": ["transactions"],
    "crm": ["demographics"],
    "marketing": ["campaign_descriptions", "campaigns", "coupons", "coupon_redemptions"],
    "merchandising": ["products", "promotions"],
}


def _data_rows(path: Path) -> int:
    return len(path.read_text().splitlines()) - 1


@pytest.mark.parametrize("department", ENTITIES)
def test_landing_twice_changes_nothing(landed, exports, department):
    first = land_department(department, DAY[31])
    before = landed.everything(department, ENTITIES[department])
    second = land_department(department, DAY[31])
    assert first.row_count > 0
    assert second.batches == []
    assert second.row_count == 0
    assert landed.everything(department, ENTITIES[department]) == before


def test_every_row_of_the_files_is_in_raw_as_text_with_its_row_number(landed, exports):
    land_department("till", DAY[31])
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*), count(distinct (_batch_id, _row_number)) from raw_till.transactions")
        expected = sum(map(_data_rows, exports.glob("till/*.csv")))
        assert cursor.fetchone() == (expected, expected)
        cursor.execute(
            "select concat_ws(',', household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, "
            "coupon_disc, coupon_match_disc, week, transaction_timestamp) from raw_till.transactions "
            "where _batch_id like 'transactions/2017-12-27/%' order by _row_number"
        )
        lines = (exports / "till/transactions_2017-12-27.csv").read_text().splitlines()[1:]
        assert [line for (line,) in cursor.fetchall()] == lines


def test_history_then_days_gives_the_same_rows_as_all_at_once(landed, exports):
    for day in (28, 29, 30, 31):
        land_department("till", DAY[day])
        land_department("marketing", DAY[day])
    by_day = {name: landed.rows("till", name) for name in ENTITIES["till"]}
    by_day |= {name: landed.rows("marketing", name) for name in ENTITIES["marketing"][1:]}
    empty_raw("till")
    empty_raw("marketing")
    land_department("till", DAY[31])
    land_department("marketing", DAY[31])
    at_once = {name: landed.rows("till", name) for name in ENTITIES["till"]}
    at_once |= {name: landed.rows("marketing", name) for name in ENTITIES["marketing"][1:]}
    assert at_once == by_day


def test_history_is_known_since_its_day_and_later_batches_since_their_run(landed, exports):
    late = exports / "till/transactions_2017-12-27.csv"
    content = late.read_bytes()
    late.unlink()
    land_department("till", DAY[28])
    late.write_bytes(content)  # two days late: it comes with the run of the 29th
    land_department("till", DAY[29])
    ledger_rows = landed.ledger("till").reset_index().set_index("source_name")
    known = {name: str(day)[:10] for name, day in ledger_rows["known_date"].items()}
    assert known["transactions_2017-12-26.csv"] == "2017-12-26"
    assert known["transactions_2017-12-27.csv"] == "2017-12-29"
    assert known["transactions_2017-12-29.csv"] == "2017-12-29"
    assert ledger_rows.loc["transactions_2017-12-27.csv", "status"] == "landed"


def test_a_file_that_comes_again_under_its_name_says_which_one_it_replaces(landed, exports):
    file = exports / "till/transactions_2017-12-27.csv"
    whole = file.read_text().splitlines(keepends=True)
    file.write_text("".join(whole[:-1]))
    (first,) = [one for one in land_department("till", DAY[28]).batches if one.source_name == file.name]
    file.write_text("".join(whole))
    (second,) = land_department("till", DAY[28]).batches
    assert (first.replaces, second.replaces) == (None, first.batch_id)
    file.write_text("".join(whole[:-2]))
    (third,) = land_department("till", DAY[29]).batches[:1]
    assert third.replaces == second.batch_id


def test_files_of_later_days_wait(landed, exports):
    land_department("till", DAY[28])
    assert {str(day)[:10] for day in landed.ledger("till")["delivered_date"]} == {f"2017-12-{n}" for n in range(23, 29)}


def test_a_closed_day_lands_without_rows(landed, exports):
    land_department("till", DAY[28])
    christmas = landed.ledger("till").filter(like="2017-12-25", axis=0).iloc[0]
    assert (christmas["status"], christmas["row_count"]) == ("landed", 0)


def test_only_the_newest_list_of_a_snapshot_is_loaded(landed, exports):
    newer = exports / "crm/demographics_2017-12-30.csv"
    newer.write_text("".join(newer.read_text().splitlines(keepends=True)[:-1]))  # one household left the list
    land_department("crm", DAY[31])
    statuses = {str(row.delivered_date)[:10]: row.status for row in landed.ledger("crm").itertuples()}
    assert statuses == {"2017-12-23": "superseded", "2017-12-30": "landed"}
    assert len(landed.rows("crm", "demographics")) == _data_rows(newer)


def test_an_unchanged_list_is_a_duplicate_and_a_change_back_is_not(landed, exports):
    first, second = exports / "crm/demographics_2017-12-23.csv", exports / "crm/demographics_2017-12-30.csv"
    land_department("crm", DAY[28])
    assert land_department("crm", DAY[30]).batches[0].status == "duplicate"
    changed = "".join(second.read_text().splitlines(keepends=True)[:-1])
    (exports / "crm/demographics_2017-12-31.csv").write_text(changed)
    land_department("crm", DAY[31])
    (exports / "crm/demographics_2018-01-01.csv").write_bytes(first.read_bytes())
    assert land_department("crm", date(2018, 1, 1)).batches[0].status == "landed"


def test_jsonl_and_parquet_arrive_as_text(landed, exports):
    land_department("marketing", DAY[31])
    land_department("merchandising", DAY[31])
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select campaign_type, start_date, end_date from raw_marketing.campaign_descriptions "
            "where campaign_id = '24'"
        )
        assert cursor.fetchall() == [("Type C", "2016-11-14", "2017-01-16")]
        cursor.execute("select brand, product_category from raw_merchandising.products where product_id = '26081'")
        assert cursor.fetchall() == [("National", None)]


def test_a_department_that_sends_nothing_lands_nothing_and_completes(landed, exports):
    for path in exports.glob("crm/*"):
        path.unlink()
    report = land_department("crm", DAY[28])
    assert report.summary() == "crm as of 2017-12-28: nothing new; 0 rows"
    assert report.messages == []
    assert landed.rows("crm", "_landings") == [("2017-12-28",)]
    (exports / "crm").rmdir()
    assert "the folder" in land_department("crm", DAY[29]).messages[0]


def test_a_file_that_changes_while_it_is_read_is_refused_and_lands_later(landed, exports, monkeypatch):
    growing = exports / "till/transactions_2017-12-28.csv"
    half, rest = growing.read_bytes()[:2000], growing.read_bytes()[2000:]
    growing.write_bytes(half)
    found = arrivals.delivered

    def written_on_meanwhile(*arguments):
        deliveries = found(*arguments)
        growing.write_bytes(half + rest)
        return deliveries

    with monkeypatch.context() as patch:
        patch.setattr(arrivals, "delivered", written_on_meanwhile)
        report = land_department("till", DAY[28])
    assert "it changed while it was read" in report.messages[0]
    assert land_department("till", DAY[28]).row_count == _data_rows(growing)


def test_two_runs_at_a_time_do_not_meet(landed, exports):
    with transaction("cx_landing") as other:
        assert ledger.claim(other, load_contract("till"))
        with pytest.raises(LandingBusy, match="till is being landed by another run"):
            land_department("till", DAY[28])
    assert land_department("till", DAY[28]).count("landed") == 6


@pytest.mark.parametrize(
    "statement",
    [
        "create table marts.mine (a int)",
        "create table public.mine (a int)",
        "create schema mine",
        "insert into quality.batch_verdicts default values",
        "insert into quarantine.rejected_rows default values",
        "delete from decisions.decision_ledger",
        "create role mine",
    ],
)
def test_the_landing_role_writes_nothing_but_raw(landed, statement):
    with (
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
        transaction("cx_landing") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_no_password_and_no_working_file_stay_on_disk(landed, exports, warehouse):
    land_department("till", DAY[28])
    password = address("cx_landing")["password"].encode()
    left = [path for path in warehouse.home.rglob("*") if path.is_file() and "postgres" not in str(path)]
    assert not [path for path in (warehouse.home / "dlt").rglob("*") if path.is_file()]
    assert not [path for path in left if path.parent.name != "secrets" and password in path.read_bytes()]
