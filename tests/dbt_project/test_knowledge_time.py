"""What became known later: it changes whom it is about from that day on, and nothing that was known before."""

from collections.abc import Iterator
from datetime import date

import pandas as pd
import pytest
from dbt_builds import Warehouse, edited, empty_warehouse, entities_of
from test_increments import real

BEFORE, KNOWN = date(2017, 12, 2), date(2017, 12, 5)  # BEFORE is a Saturday: its snapshot stays
LATE = date(2017, 7, 5)  # 150 days before BEFORE
PERSON = 13
FEATURES = "select * from features.customer_features where as_of_date {} order by as_of_date, customer_id"
TABLES = ("marts.customer_records", "marts.customer_days", "marts.baskets")
MODELS = (*(table.partition(".")[2] for table in TABLES), "customer_features")


@pytest.fixture(scope="module")
def company(server) -> Iterator[Warehouse]:
    """Thirty households over half a year, built on BEFORE; then a till file of 150 days ago arrives with one basket."""
    lines = real("transactions").query("household_id <= 30")
    moments = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.date
    lines = lines.assign(transaction_timestamp=lines["transaction_timestamp"].astype(str))
    with empty_warehouse(server, entities_of("complete_journey")) as empty:
        for day in pd.date_range("2017-06-20", BEFORE):
            of_day = lines[(moments == day.date()) & (moments != LATE)]
            if len(of_day):
                empty.deliver("till", "transactions", of_day, day.date(), BEFORE, history=True)
        empty.build(BEFORE, only=MODELS)
        empty.past = empty.rows(FEATURES.format("<= %s"), (BEFORE,))
        empty.before = {table: rows_of(empty, table) for table in TABLES}
        late = lines[lines["household_id"] == PERSON].head(3).assign(transaction_timestamp=f"{LATE} 15:00:00")
        empty.deliver("till", "transactions", late, LATE, KNOWN)
        empty.build(KNOWN, only=MODELS)
        yield empty


def rows_of(company: Warehouse, table: str) -> dict[str, list[str]]:
    """The rows of a table by customer."""
    by_customer: dict[str, list[str]] = {}
    for customer, row in company.rows(f"select customer_id, t::text from {table} t order by 1, 2"):
        by_customer.setdefault(customer, []).append(row)
    return by_customer


def test_an_event_of_150_days_ago_changes_its_person_and_nobody_else(company):
    person = company.rows("select customer_id from identity.customer_ids where source_key = %s", (str(PERSON),))[0][0]
    for table in TABLES:
        now, before = rows_of(company, table), company.before[table]
        assert {who for who in now if now[who] != before.get(who)} == {person}, table
    sold = company.rows("select known_date from marts.baskets where sold_date = %s", (LATE,))
    assert sold == [(KNOWN,)]


def test_what_was_known_then_stays_what_a_model_learns_from(company):
    assert company.rows(FEATURES.format("<= %s"), (BEFORE,)) == company.past
    assert len(company.past) > 30
    company.test(KNOWN, "--select", "assert_features_know_no_future")


def test_a_row_lost_in_the_past_comes_back_by_building_again_since_its_day(company):
    before = company.checksums("marts", "features")
    for table in ("marts.basket_lines", "marts.customer_days"):
        company.run(f"delete from {table} where known_date = '2017-11-20'")
    company.build(KNOWN, only=MODELS)
    assert company.checksums("marts", "features") != before, "nobody looks for a row that was taken away by hand"
    company.build(KNOWN, since=date(2017, 11, 20), only=MODELS)
    assert company.checksums("marts", "features") == before


def test_without_its_knowledge_time_a_feature_has_seen_the_future_and_the_law_says_so(company):
    """Last, for it spoils the features."""
    with edited("int_purchases_windowed", "and days.known_date <= dates.as_of_date", ""):
        company.build(KNOWN, "--select", "customer_features", "--full-refresh")
    with pytest.raises(AssertionError, match="assert_features_know_no_future"):
        company.test(KNOWN, "--select", "assert_features_know_no_future")
