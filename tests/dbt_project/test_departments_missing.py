"""A department that has sent nothing holds nobody up; a table that should be there is missed aloud."""

import pandas as pd
import pytest
from dbt_builds import Warehouse

LINE = {
    "household_id": "7", "store_id": "31", "basket_id": "b1", "product_id": "milk", "quantity": "1",
    "sales_value": "2", "retail_disc": "0", "coupon_disc": "0", "coupon_match_disc": "0", "week": "9",
    "transaction_timestamp": "2017-03-04 16:00:00",
}  # fmt: skip


def test_the_other_departments_go_on(company: Warehouse) -> None:
    for department, entities in {
        "marketing": ("campaign_descriptions", "campaigns", "coupons", "coupon_redemptions"),
        "crm": ("demographics",),
        "merchandising": ("products",),
    }.items():
        for entity in entities:
            company.run(f"drop table raw_{department}.{entity}")
    company.deliver("till", "transactions", pd.DataFrame([LINE]), "2017-03-04", "2017-03-04", history=True)
    company.build("2017-03-04")
    assert company.rows("select department, lines from marts.basket_lines join marts.baskets using (basket_id)") == [
        ("unknown", 1)
    ]
    assert company.rows("select recency_days, marketing_data_age_days from features.customer_features") == [(0, None)]


def test_a_missing_ledger_is_named(company: Warehouse) -> None:
    company.run("drop table decisions.decision_ledger cascade")
    with pytest.raises(AssertionError, match=r"decisions\.decision_ledger does not exist: ml/schema\.sql makes it"):
        company.build("2017-03-04", "--select", "stg_decisions__decision_ledger")


def test_a_build_without_a_date_says_what_to_add(company: Warehouse) -> None:
    with pytest.raises(AssertionError, match="--vars '{as_of: 2017-12-28}'"):
        company.build(None, "--select", "snapshot_dates")


def test_outcomes_watch_the_28_days_after_a_decision(company: Warehouse) -> None:
    days = ["2017-03-04", "2017-03-05", "2017-04-01", "2017-04-02"]  # the day itself, the first, the 28th, one too late
    lines = [LINE | {"basket_id": f"b{day}", "transaction_timestamp": f"{day} 16:00:00"} for day in days]
    for day, line in zip(days, lines, strict=True):
        company.deliver("till", "transactions", pd.DataFrame([line]), day, "2017-04-02", history=True)
    company.build("2017-04-02", "--select", "+customers")
    (customer,) = company.rows("select customer_id from marts.customers")[0]
    for decision, as_of in (("early", "2017-03-04"), ("new", "2017-04-01"), ("today", "2017-04-02")):
        company.run(
            "insert into decisions.decision_ledger values (%s, %s, %s, 'policy', '[]', '{}', '{}', 1, 0.5, "
            "'no_action', 'none', 0.25, 1.5, %s, %s, %s, 'p1', 'm', '1', 'i', '1', %s)",
            (decision, customer, as_of, as_of, as_of, as_of, as_of),
        )
    company.build("2017-04-02", only=["outcomes"])
    seen = "decision_id, observed_days, is_complete, purchase_days, spend_eur"
    found = company.rows(f"select {seen} from decisions.outcomes order by decision_id")
    assert [(*row[:4], float(row[4])) for row in found] == [
        ("early", 28, True, 2, 3.5408),
        ("new", 1, False, 1, 1.7704),
    ]
