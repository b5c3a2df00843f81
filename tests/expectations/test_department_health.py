"""Each dimension of a department's health moves with its own kind of trouble, and being late is told once a day."""

import logging

import pytest

from expectations.filtered_rows import count_filtered_rows
from tests.expectations.conftest import day

TILL = "raw.till"
NAMES = ("completeness", "validity", "uniqueness", "timeliness", "conflict_rate", "rows_at_stake", "score", "trend")


def _lines(number: int, first: int = 100, **changes) -> list[dict]:
    return [{"basket_id": str(first + n), **changes} for n in range(number)]


def _health(house, department: str, as_of) -> dict:
    ((*figures, reason),) = house.rows(
        f"select {', '.join(NAMES)}, reason from quality.department_health where department = %s and as_of = %s",
        (department, as_of),
    )
    numbers = [None if figure is None else float(figure) for figure in figures]
    return {**dict(zip(NAMES, numbers, strict=True)), "reason": reason}


WELL = {
    "completeness": 1, "validity": 1, "uniqueness": 1, "timeliness": 1, "conflict_rate": 0, "rows_at_stake": 0,
    "score": 100, "trend": None, "reason": "",
}  # fmt: skip


def test_a_good_delivery_has_a_hundred_points(house):
    house.deliver("transactions", day(4), _lines(100))
    house.check(TILL, day(4))
    assert _health(house, "till", day(4)) == WELL


# 2 rows of 100: points fall by 0.4 of a share's weight with a floor of 0.95, by 0.2 with 0.90; conflicts reach theirs.
@pytest.mark.parametrize(
    ("bad", "changed", "score", "reason"),
    [
        (_lines(2, 900, product_id=""), {"completeness": 0.98, "rows_at_stake": 2}, 90, "completeness 98.00 %"),
        (_lines(2, 900, quantity="x"), {"validity": 0.98, "rows_at_stake": 2}, 90, "validity 98.00 %"),
        (
            [{"basket_id": "100"}, {"basket_id": "101"}],
            {"uniqueness": 0.98, "rows_at_stake": 2},
            98,
            "uniqueness 98.00 %",
        ),
        (
            [{"basket_id": "100", "sales_value": "9"}, {"basket_id": "101"}],
            {"uniqueness": 0.98, "conflict_rate": 0.01, "rows_at_stake": 2},
            90.5,
            "uniqueness 98.00 %; contradicting 1.00 %",
        ),
    ],
)
def test_each_dimension_moves_alone(house, bad, changed, score, reason):
    house.deliver("transactions", day(4), _lines(98) + bad)
    house.check(TILL, day(4))
    assert _health(house, "till", day(4)) == {**WELL, **changed, "score": score, "reason": reason}


def test_a_key_that_was_accepted_before_contradicts_only_with_other_content(house):
    house.deliver("transactions", day(3), _lines(98))
    house.check(TILL, day(3))
    before = {"transaction_timestamp": f"{day(3)} 16:00:00"}
    again = [{"basket_id": "100", **before}, {"basket_id": "101", "sales_value": "7", **before}]
    house.deliver("transactions", day(4), again)
    house.check(TILL, day(4))
    assert _health(house, "till", day(4))["conflict_rate"] == 0.01


@pytest.mark.parametrize(("age", "timeliness"), [(1, 1), (2, 0.6667), (3, 0.3333), (4, 0), (9, 0)])
def test_timeliness_falls_from_the_warning_to_the_holding(house, age, timeliness):
    house.deliver("transactions", day(4), _lines(10))
    house.check(TILL, day(4))
    house.check(TILL, day(4 + age))
    health = _health(house, "till", day(4 + age))
    assert health["timeliness"] == timeliness
    assert health["reason"].endswith(f"late: transactions ({age} days old)") == (timeliness < 1)


def test_an_entity_that_sends_nothing_is_incomplete_and_a_held_batch_is_at_stake(house):
    house.deliver("campaign_descriptions", day(4), [{}])
    house.deliver("campaigns", day(4), [{}])
    house.check("raw.marketing", day(4))
    assert _health(house, "marketing", day(4))["completeness"] == 0.5
    house.deliver("transactions", day(4), _lines(10, quantity="x") + _lines(90, 300))
    house.check(TILL, day(4))
    health = _health(house, "till", day(4))
    assert (health["rows_at_stake"], health["timeliness"], health["validity"]) == (100, 0, 0.9)
    assert health["reason"] == "validity 90.00 %; late: transactions (nothing accepted)"


def test_trend_is_the_score_beside_the_week_before(house):
    house.deliver("transactions", day(4), _lines(100))
    house.check(TILL, day(4))
    house.check(TILL, day(5))
    house.check(TILL, day(8))
    assert _health(house, "till", day(5))["trend"] == 0
    health = _health(house, "till", day(8))
    assert (health["score"], health["trend"]) == (75, -25)


def test_who_is_late_is_told_once_a_day(house, caplog):
    house.deliver("transactions", day(4), _lines(10))
    house.check(TILL, day(4))
    assert house.rows("select * from quality.alerts") == []
    with caplog.at_level(logging.WARNING, "expectations.alerts"):
        house.check(TILL, day(6))
    assert (
        "till is late: Every delivery of till came when it was due. Found broken: transactions: 2 days" in caplog.text
    )
    before = house.left_behind()
    house.check(TILL, day(6))
    assert house.left_behind() == before
    house.check(TILL, day(7))
    assert house.rows("select department, as_of, kind from quality.alerts order by as_of") == [
        ("till", day(6), "late"),
        ("till", day(7), "late"),
    ]
    house.deliver("transactions", day(7), _lines(10, 500))
    house.check(TILL, day(7))
    assert house.rows("select as_of from quality.alerts") == [(day(6),)], "what came on the same day after all"


def test_bi_reads_health_and_alerts(house):
    from runtime.warehouse import transaction

    house.deliver("transactions", day(4), _lines(10))
    house.check(TILL, day(6))
    with transaction("cx_bi") as connection, connection.cursor() as cursor:
        cursor.execute("select (select count(*) from quality.department_health), (select count(*) from quality.alerts)")
        assert cursor.fetchone() == (1, 1)


def test_machines_and_testers_are_counted_once_the_warehouse_is_built(house):
    house.deliver("transactions", day(4), _lines(10))
    house.check(TILL, day(4))
    house.run("create table staging.stg_till__lines (is_bot boolean, is_test boolean, known_date date)")
    house.run("create table staging.stg_till__more (is_test boolean, known_date date)")
    house.run("create table staging.stg_nobody__things (is_bot boolean, known_date date)")
    house.run(
        "insert into staging.stg_till__lines select n = 1, n < 4, date '2017-12-04' - n from generate_series(0, 8) n"
    )
    house.run("insert into staging.stg_till__more values (true, '2017-12-04'), (true, '2017-12-05')")
    counted = "select department, machine_rows, test_rows from quality.department_health"
    assert house.rows(counted) == [("till", None, None)]
    assert count_filtered_rows(day(4)) == "till: 1 rows of machines, 5 of tests"
    assert count_filtered_rows(day(4)) == "till: 1 rows of machines, 5 of tests"
    assert house.rows(counted) == [("till", 1, 5)]


def test_money_at_stake_is_the_spend_of_whom_the_trouble_names(house):
    """Households 1 and 2 are in trouble, 2 twice; 3 is not; what is too old or known too late does not count."""

    def at_stake(as_of):
        return house.rows(
            "select customers_at_stake, money_at_stake_eur from quality.department_health"
            " where department = 'till' and as_of = %s",
            (as_of,),
        )

    house.deliver("transactions", day(3), _lines(100, household_id="3"))
    house.check(TILL, day(3))
    assert at_stake(day(3)) == [(None, None)], "no marts yet, so nobody knows"
    house.run(
        "drop table if exists identity.customer_ids, marts.customer_days cascade;"
        "create table identity.customer_ids (customer_id text, source_key text);"
        "insert into identity.customer_ids values ('c1', '1'), ('c2', '2'), ('c3', '3');"
        "create table marts.customer_days (customer_id text, sold_date date, known_date date, spend_eur numeric)"
    )
    for customer, sold, known, spend in (
        *(("c1", 3, 3, 10), ("c2", 3, 3, 5), ("c2", 2, 2, 1), ("c3", 3, 3, 100)),
        *(("c1", -87, -87, 0.5), ("c1", -86, -86, 0.25), ("c1", 3, 4, 1000), ("c1", 4, 4, 1000)),
    ):
        house.run("insert into marts.customer_days values (%s, %s, %s, %s)", (customer, day(sold), day(known), spend))
    bad = [{"basket_id": "900", "household_id": " 01", "quantity": "x"}]
    bad += [{"basket_id": basket, "household_id": "2", "quantity": "x"} for basket in ("901", "902")]
    house.deliver("transactions", day(4), _lines(100, 1000, household_id="3") + bad)
    house.check(TILL, day(4))
    assert at_stake(day(4)) == [(2, 16.25)]
    before = house.left_behind()
    house.check(TILL, day(4))
    assert house.left_behind() == before
    house.check(TILL, day(30))
    assert at_stake(day(30)) == [(3, 116 + 1000 + 1000)], "a department that is too old concerns all whom it knows"


def test_who_was_not_checked_at_the_deadline_is_overdue(house):
    from datetime import timedelta

    from expectations.alerts import alert_overdue_departments, late_message

    house.deliver("transactions", day(4), _lines(10))
    house.check(TILL, day(4))
    for _ in range(2):
        assert alert_overdue_departments(["till", "crm"], day(4), timedelta(minutes=30)) == ["crm"]
    assert house.rows("select department, as_of, kind, message from quality.alerts") == [
        ("crm", day(4), "overdue", "Landing and check were not done 30 minutes after they were due.")
    ]
    assert late_message("till", day(4)) is None
    house.check(TILL, day(6))
    assert "2 days" in late_message("till", day(6))
