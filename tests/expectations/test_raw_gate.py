"""Raw gates let good deliveries in, hold a department's bad ones, and say why."""

import pytest

from expectations.gate import GateFailed
from tests.expectations.conftest import day

TILL = "raw.till"


def _lines(number: int, **changes) -> list[dict]:
    return [{"basket_id": str(100 + n), **changes} for n in range(number)]


def _till_weeks(house, rows: int = 600) -> None:
    """Four Tuesdays with the usual number of lines, all accepted."""
    for tuesday in (-23, -16, -9, -2):
        house.deliver("transactions", day(tuesday), row_count=rows, content=f"tuesday {tuesday}")
    assert not house.failed(TILL, day(-2))


def test_a_good_delivery_is_accepted_and_known_from_its_day(house):
    batch = house.deliver("transactions", day(4), _lines(3))
    result = house.check(TILL, day(4))
    assert (result.failed, result.warned) == (0, 0)
    assert house.verdicts() == {batch: ["accepted", day(4), day(4)]}
    assert house.rows("select batch_id, known_date from quality.accepted_batches") == [(batch, day(4))]
    assert house.status("till", day(4)) == ("fresh", day(4))


def test_freshness_is_the_first_expectation_of_every_raw_suite(house):
    for department in ("till", "crm", "marketing", "merchandising"):
        result = house.check(f"raw.{department}", day(4))
        assert isinstance(result, GateFailed)
        assert "never delivered" in result.sentences[0]


@pytest.mark.parametrize(
    ("age", "warned", "stale", "status"),
    [(1, False, False, "fresh"), (2, True, False, "late"), (4, True, False, "late"), (5, True, True, "stale")],
)
def test_freshness_warns_and_refuses_exactly_after_the_days_of_the_contract(house, age, warned, stale, status):
    house.deliver("transactions", day(4), _lines(1))
    house.check(TILL, day(4))
    assert ("data_is_fresh_enough_to_use" in house.failed(TILL, day(4 + age))) == stale
    assert ("data_is_on_time" in house.failed(TILL, day(4 + age), "warning")) == warned
    assert house.status("till", day(4 + age)) == (status, day(4))
    owed = house.rows("select as_of - %s, silent_days from quality.department_status order by 1", (day(4),))
    assert owed == [(0, 0), (age, age)], "a daily file that is a day old owes that day"


def test_data_that_is_only_too_old_holds_nothing_that_did_come(house):
    for entity in ("campaign_descriptions", "campaigns", "coupons"):
        house.deliver(entity, day(-20), [{}])
    house.check("raw.marketing", day(-20))
    batch = house.deliver("coupon_redemptions", day(4), [{}])
    assert house.failed("raw.marketing", day(4)) == {"data_is_fresh_enough_to_use"}
    assert house.verdicts()[batch][0] == "accepted"
    assert house.status("marketing", day(4)) == ("stale", day(4))
    owed = house.rows("select silent_days from quality.department_status where as_of = %s", (day(4),))
    assert owed == [(24 - 7,)], "a weekly list may be seven days old before it owes one"


def test_the_same_content_again_counts_for_freshness(house):
    house.deliver("demographics", day(-20), [{}], content="list")
    house.check("raw.crm", day(-20))
    house.deliver("demographics", day(9), status="duplicate", content="list")
    assert not house.failed("raw.crm", day(9)) | house.failed("raw.crm", day(9), "warning")
    assert house.status("crm", day(9)) == ("fresh", day(9))


def _stale(house):
    house.deliver("transactions", day(-1), _lines(1))


def _refused(house):
    house.deliver("transactions", day(4), status="refused", reason="till/transactions_2017-12-04.csv was refused")


def _short(house):
    _till_weeks(house)
    house.deliver("transactions", day(5), _lines(20), row_count=239)


def _broken_rows(house):
    house.deliver("transactions", day(4), _lines(10, quantity="abc") + _lines(90))


def _shared_basket(house):
    house.deliver("transactions", day(4), [{"product_id": "1"}, {"product_id": "2", "household_id": "8"}])


def test_a_retyped_column_is_told_by_contract_and_column(house):
    batch = house.deliver("transactions", day(4), _lines(12, transaction_timestamp="04.12.2017 16:00"))
    assert house.failed(TILL, day(4)) == {"few_rows_break_the_contract", "no_column_changed_its_type"}
    ((message,),) = house.rows("select message from quality.gate_results where expectation like '%%its_type'")
    assert "column transaction_timestamp: 12 of 12 values are not of type timestamp as till.yml says" in message
    assert "write its new type or format into the contract till.yml" in message
    assert house.verdicts()[batch][0] == "held"


def test_a_few_wrong_values_are_no_changed_type(house):
    house.deliver("transactions", day(4), _lines(9, week="x") + [{"basket_id": str(n)} for n in range(300, 500)])
    assert not house.failed(TILL, day(4))


@pytest.mark.parametrize(
    ("gate", "damage", "expectation"),
    [
        (TILL, _stale, "data_is_fresh_enough_to_use"),
        (TILL, _refused, "every_delivered_file_could_be_read"),
        (TILL, _short, "files_have_the_usual_number_of_rows"),
        (TILL, _broken_rows, "few_rows_break_the_contract"),
        (TILL, _shared_basket, "a_basket_belongs_to_one_household"),
        (
            "raw.crm",
            lambda house: house.deliver("demographics", day(4), [{}, {"age": "65+"}]),
            "a_household_has_one_set_of_facts",
        ),
        (
            "raw.marketing",
            lambda house: house.deliver("campaign_descriptions", day(4), [{"end_date": "2017-11-30"}]),
            "campaigns_end_after_they_start",
        ),
        (
            "raw.marketing",
            lambda house: house.deliver("campaigns", day(4), [{"campaign_id": "6"}]),
            "contacts_name_described_campaigns",
        ),
    ],
)
def test_each_critical_rule_refuses_its_damage(house, gate, damage, expectation):
    damage(house)
    assert expectation in house.failed(gate, day(5))


def test_a_product_list_that_lost_products_is_held(house):
    house.deliver("products", day(1), [{"product_id": str(n)} for n in range(100)])
    assert not house.failed("raw.merchandising", day(1))
    lost = house.deliver("products", day(4), [{"product_id": str(n)} for n in range(6, 106)])
    assert house.failed("raw.merchandising", day(4)) == {"products_do_not_disappear"}
    assert house.verdicts()[lost][0] == "held"


def test_warnings_and_infos_let_the_data_pass(house):
    for entity in ("campaign_descriptions", "campaigns", "coupons"):
        house.deliver(entity, day(4), [{}])
    house.deliver("coupon_redemptions", day(4), [{"household_id": "8"}, {"coupon_upc": "10"}])
    assert not house.failed("raw.marketing", day(4))
    assert house.failed("raw.marketing", day(4), "warning") == {
        "only_targeted_households_redeem",
        "only_issued_coupons_are_redeemed",
    }
    house.deliver("transactions", day(4), _lines(10, quantity="0"))
    assert house.check(TILL, day(4)).failures("info")[0].expectation == "few_lines_sell_nothing"
    house.deliver("demographics", day(4), [{"household_id": str(n + 1), "age": ""} for n in range(100)])
    assert house.failed("raw.crm", day(4), "warning") == {"no_column_lost_its_values"}


def test_a_closed_day_and_a_short_history_warn_only(house):
    for tuesday in (-23, -16, -9, -2):
        house.deliver(
            "transactions", day(tuesday), row_count=600, landed=day(6), known=day(tuesday), content=str(tuesday)
        )
    house.deliver("transactions", day(5), row_count=10, landed=day(6), known=day(5))
    house.deliver("transactions", day(6), _lines(1))
    assert not house.failed(TILL, day(6))
    assert house.failed(TILL, day(6), "warning") == {"history_and_closed_days_look_usual"}
    house.deliver("transactions", day(12), row_count=0)
    assert not house.failed(TILL, day(12))
    assert house.failed(TILL, day(12), "warning") >= {"history_and_closed_days_look_usual"}


def test_a_refused_file_holds_the_departments_new_batches_until_it_is_repaired(house):
    yesterday = house.deliver("transactions", day(3), _lines(2))
    house.check(TILL, day(3))
    _refused(house)
    waiting = house.deliver("transactions", day(5), _lines(2, basket_id="900", product_id="3")[:1])
    refusal = house.check(TILL, day(5))
    assert "till/transactions_2017-12-04.csv was refused" in str(refusal)
    assert "Ask Branch systems for the repaired file" in str(refusal)
    assert house.verdicts() == {
        yesterday: ["accepted", day(3), day(3)],
        waiting: ["held", day(5), day(5)],
    }
    assert house.status("till", day(5)) == ("held", day(3))
    assert not house.failed("raw.crm", day(5)) - {"data_is_fresh_enough_to_use"}

    repaired = house.deliver("transactions", day(4), _lines(1, basket_id="950"), landed=day(6))
    house.deliver("transactions", day(6), _lines(1, basket_id="960"))
    assert not house.failed(TILL, day(6))
    verdicts = house.verdicts()
    assert verdicts[waiting] == ["accepted", day(6), day(6)], "it was not known before it was accepted"
    assert verdicts[repaired] == ["accepted", day(6), day(6)]
    assert house.status("till", day(6)) == ("fresh", day(6))


def test_history_that_was_held_keeps_its_own_known_dates(house):
    _refused(house)
    history = house.deliver("transactions", day(1), _lines(1), landed=day(4), known=day(1))
    house.check(TILL, day(4))
    assert house.verdicts()[history][0] == "held"
    house.deliver("transactions", day(4), _lines(1, basket_id="200"), landed=day(5))
    house.check(TILL, day(5))
    assert house.verdicts()[history] == ["accepted", day(1), day(5)]


def test_a_cut_off_day_stays_held_while_later_days_are_whole(house):
    _till_weeks(house)
    short = house.deliver("transactions", day(5), _lines(5), row_count=100)
    assert house.failed(TILL, day(5)) == {"files_have_the_usual_number_of_rows"}
    house.deliver("transactions", day(6), _lines(1, basket_id="300"))
    house.check(TILL, day(6))
    assert house.verdicts()[short][0] == "held"


def test_a_held_file_that_comes_again_in_order_frees_its_department(house):
    bad = house.deliver("transactions", day(4), [*_lines(60, quantity="x"), *_lines(1, basket_id="77")])
    assert "few_rows_break_the_contract" in house.failed(TILL, day(4))
    waiting = house.deliver("transactions", day(5), _lines(1, basket_id="300"))
    house.check(TILL, day(5))
    assert {house.verdicts()[batch][0] for batch in (bad, waiting)} == {"held"}
    good = house.deliver("transactions", day(4), _lines(61, basket_id="400"), landed=day(6), replaces=bad)
    for _ in range(2):  # judging again changes nothing
        assert not house.failed(TILL, day(6))
        assert {batch: house.verdicts()[batch][0] for batch in (bad, waiting, good)} == {
            bad: "replaced",
            waiting: "accepted",
            good: "accepted",
        }
    statuses = house.rows("select distinct status from quarantine.rejected_rows where batch_id = %s", (bad,))
    assert statuses == [("replaced",)]
    house.deliver("transactions", day(7), _lines(1, basket_id="800"))
    assert not house.failed(TILL, day(7))
    assert house.verdicts()[bad][0] == "replaced"


def test_another_department_is_not_touched(house):
    _refused(house)
    facts = house.deliver("demographics", day(4), [{}])
    house.check(TILL, day(4))
    house.check("raw.crm", day(4))
    assert house.verdicts() == {facts: ["accepted", day(4), day(4)]}


@pytest.mark.parametrize("damage", [None, _refused, _broken_rows])
def test_judging_again_for_the_same_day_changes_nothing(house, damage):
    house.deliver("transactions", day(3), [{}, {}, {"basket_id": "5", "quantity": "x"}])
    house.check(TILL, day(3))
    if damage:
        damage(house)
    house.deliver("transactions", day(5), _lines(1, basket_id="700"))
    first = str(house.check(TILL, day(5)))
    before = house.left_behind()
    assert str(house.check(TILL, day(5))) == first
    assert house.left_behind() == before


def test_batches_that_landed_later_are_not_judged_for_an_earlier_day(house):
    house.deliver("transactions", day(4), _lines(1))
    house.deliver("transactions", day(5), _lines(1, basket_id="8"))
    house.check(TILL, day(4))
    assert [rest[2] for rest in house.verdicts().values()] == [day(4)]
