"""When records go over to another customer, what was built of both is right again: by growing, as by building anew."""

from datetime import date, timedelta

import pandas as pd
from dbt_builds import Warehouse

BUILT = ("staging", "marts", "features", "insights", "decisions")
MONDAY = date(2025, 6, 2)
FIRST, SECOND, THIRD, FOURTH = (MONDAY + timedelta(days=days) for days in (12, 14, 15, 16))  # a Saturday, and after it
SPLIT = """
    with decided as (
        insert into identity.steward_decisions (verb, reason, decided_by, decided_date)
        values ('split', 'two people called Anna Berg', 'steward', %s)
        returning decision_id
    )
    insert into identity.steward_pairs select decision_id, 'account', 'A1', 'account', 'A2' from decided
"""


def account(number: str, email: str, changed: date, **told: str) -> dict:
    """A row of the shop's accounts."""
    return {
        "account_id": number,
        "email": email,
        "is_email_verified": "true",
        "full_name": "Anna Berg",
        "country": "DE",
        "created_at": f"{MONDAY} 08:00:00",
        "updated_at": f"{changed} 08:00:00",
        **told,
    }


def order(number: str, account_id: str, day: date) -> dict:
    """An order that was delivered, its only line is `line`."""
    moment = f"{day} 12:00:00"
    return {
        "order_no": number,
        "account_id": account_id,
        "ordered_at": moment,
        "status": "delivered",
        "total_cents": "900",
        "discount_cents": "0",
        "updated_at": moment,
    }


def line(number: str, day: date) -> dict:
    """The line of an order."""
    return {
        "order_no": number,
        "line_no": "1",
        "sku": "N1",
        "quantity": "1",
        "price_cents": "900",
        "created_at": f"{day} 12:00:00",
    }


def event(number: str, visitor: str, day: date, account_id: str | None = None) -> dict:
    """A page that a visitor saw, logged in or not."""
    noon = pd.Timestamp(day, tz="UTC") + pd.Timedelta(hours=12)
    return {
        "event_id": number,
        "occurred_at": str(noon.value // 1_000_000),
        "visitor_id": visitor,
        "account_id": account_id,
        "event": "view",
        "user_agent": "Firefox",
    }


def deliver(nordhaus: Warehouse, as_of: date) -> None:
    """Deliver what is new on a day: two people of one name first, then one e-mail for both."""
    history = as_of == FIRST
    days = [FIRST - timedelta(days=10), FIRST - timedelta(days=3)] if history else [as_of]

    def give(department: str, entity: str, rows: list[dict], delivered: date = as_of) -> None:
        if rows:
            nordhaus.deliver(department, entity, pd.DataFrame(rows), delivered, as_of, history=history)

    if history:
        product = {"sku": "N1", "name": "Coffee", "category": "coffee", "brand": "Nordhaus", "price_cents": "900"}
        give("shop", "products", [product | {"margin_percent": "40"}])
        give("shop", "accounts", [account("A1", "anna@x.example", MONDAY), account("A2", "berg@y.example", MONDAY)])
        granted = {"purpose": "marketing", "channel": "email", "is_granted": "true"}
        consents = [
            granted | {"change_id": "c1", "changed_at": f"{MONDAY}T08:00Z", "account_id": "A1"},
            granted | {"change_id": "c2", "changed_at": f"{MONDAY}T09:00Z", "account_id": "A2", "is_granted": "false"},
        ]
        give("consent", "changes", consents)
        mailing = {"campaign_id": "C1", "name": "News", "category": "coffee", "channel": "email"}
        dates = {"starts_date": str(MONDAY), "ends_date": "2025-07-01"}
        give("marketing", "mailings", [mailing | dates | {"purpose": "marketing"}])
    elif as_of == SECOND:
        give("shop", "accounts", [account("A2", "anna@x.example", SECOND)])
    give("shop", "orders", [order(f"O{n}{day:%d}", f"A{n}", day) for day in days for n in (1, 2)])
    give("shop", "order_lines", [line(f"O{n}{day:%d}", day) for day in days for n in (1, 2)])
    for day in days:
        sends = [
            {"send_id": f"s{n}{day:%d}", "campaign_id": "C1", "recipient": email, "channel": "email", "action_id": None}
            for n, email in ((1, "anna@x.example"), (2, "berg@y.example"))
        ]
        give("marketing", "sends", [send | {"sent_at": f"{day}T06:00:00Z"} for send in sends], day)
        seen = [event(f"e{n}{day:%d}", f"V{n}", day) for n in (1, 2)]
        give("web", "events", seen + [event(f"l{n}{day:%d}", f"V{n}", day, f"A{n}") for n in (1, 2)], day)


def pairs(nordhaus: Warehouse) -> dict[str, str]:
    """Each account's customer."""
    return dict(nordhaus.rows("select source_key, customer_id from identity.customer_ids where key_kind = 'account'"))


def test_a_merge_and_its_undoing_change_what_was_built_of_both(nordhaus: Warehouse) -> None:
    deliver(nordhaus, FIRST)
    nordhaus.build(FIRST)
    apart = pairs(nordhaus)
    assert apart["A1"] != apart["A2"]

    deliver(nordhaus, SECOND)
    nordhaus.build(SECOND)
    assert set(pairs(nordhaus).values()) == {apart["A1"]}, "both were known on one day, so the smaller number founds"
    assert nordhaus.rows("select customer_id, baskets from marts.customers") == [(apart["A1"], 6)]
    assert nordhaus.rows("select is_granted from marts.consents") == [(False,)], "the newer word counts"
    assert nordhaus.rows(
        "select distinct customer_id, baskets_28d from features.customer_features where as_of_date = %s", (FIRST,)
    ) == [(apart["A1"], 4)], "the past is the one person's too"
    grown = nordhaus.checksums(*BUILT)
    nordhaus.build(SECOND, "--full-refresh")
    assert nordhaus.checksums(*BUILT) == grown

    deliver(nordhaus, THIRD)
    nordhaus.run(SPLIT, (THIRD,))
    nordhaus.build(THIRD)
    assert pairs(nordhaus) == apart, "both have their own id back"
    deliver(nordhaus, FOURTH)
    nordhaus.build(FOURTH)
    undone = nordhaus.checksums(*BUILT)
    nordhaus.build(FOURTH, "--full-refresh")
    assert nordhaus.checksums(*BUILT) == undone
    history = "select source_key, reason, valid_from from identity.customer_history order by valid_from, source_key"
    assert nordhaus.rows(history)[2:] == [("A2", "merged", SECOND), ("A2", "split", THIRD)]

    nordhaus.run("update identity.steward_decisions set decided_date = %s", (FIRST,))
    nordhaus.build(FOURTH, "--full-refresh")
    assert nordhaus.checksums(*BUILT) == undone, "consent, contacts, features: as if the merge had never happened"


def test_visits_before_a_login_are_the_persons_unless_the_device_is_shared(nordhaus: Warehouse) -> None:
    before, login = FIRST - timedelta(days=5), SECOND
    ben = account("A2", "ben@y.example", MONDAY, full_name="Ben Tal")
    accounts = pd.DataFrame([account("A1", "anna@x.example", MONDAY), ben])
    nordhaus.deliver("shop", "accounts", accounts, FIRST, FIRST, history=True)
    seen = pd.DataFrame([event("e1", "own", before), event("e2", "tablet", before)])
    nordhaus.deliver("web", "events", seen, before, FIRST, history=True)
    looked_at = ("visits", "customer_features")
    nordhaus.build(FIRST, only=looked_at)
    assert nordhaus.rows("select distinct customer_id from marts.visits") == [(None,)]

    logins = pd.DataFrame([event("e3", "own", login, "A1"), event("e4", "tablet", login, "A1")])
    nordhaus.deliver("web", "events", logins, login, SECOND)
    nordhaus.build(SECOND, only=looked_at)
    anna, ben = pairs(nordhaus)["A1"], pairs(nordhaus)["A2"]
    visits = "select visitor_id, visit_date, customer_id, known_date from marts.visits order by visitor_id, visit_date"
    hers = [("own", before, anna, login), ("own", login, anna, login)]
    assert nordhaus.rows(visits) == [*hers, ("tablet", before, anna, login), ("tablet", login, anna, login)]

    nordhaus.deliver("web", "events", pd.DataFrame([event("e5", "tablet", THIRD, "A2")]), THIRD, THIRD)
    nordhaus.build(THIRD, only=looked_at)
    ours = [("tablet", before, None, before), ("tablet", login, anna, login), ("tablet", THIRD, ben, THIRD)]
    assert nordhaus.rows(visits) == [*hers, *ours]
    grown = nordhaus.checksums(*BUILT)
    nordhaus.build(THIRD, "--full-refresh", only=looked_at)
    assert nordhaus.checksums(*BUILT) == grown
