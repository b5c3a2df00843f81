"""A day whose values keep type and range, and are not what they were on the weekdays before, is held."""

import pytest

from expectations.gate import GateFailed
from landing import ledger
from landing.contracts import load_contract
from runtime import bootstrap
from runtime.settings import settings
from runtime.warehouse import transaction
from tests.expectations.conftest import day

TILL, CONSENT = "raw.till", "raw.consent"
MONDAYS = (-24, -17, -10, -3)
NUMBERS, SHARES = "numbers_are_in_their_usual_range", "codes_have_their_usual_shares"


def lines(prices: list[float], first: int) -> list[dict]:
    return [
        {"basket_id": str(first + n), "sales_value": f"{price:.2f}", "product_id": str(n)}
        for n, price in enumerate(prices)
    ]


def prices(number: int, factor: float = 1.0) -> list[float]:
    return [factor * (1 + n % 7) for n in range(number)]


@pytest.fixture
def mondays(house):
    """Four Mondays with the usual prices, accepted."""
    for number, monday in enumerate(MONDAYS):
        house.deliver("transactions", day(monday), lines(prices(40), 1000 * number))
        assert not house.failed(TILL, day(monday))
    return house


def test_prices_in_another_unit_hold_the_day_and_it_never_becomes_the_baseline(mondays):
    batch = mondays.deliver("transactions", day(4), lines(prices(40, 100), 9000))
    said = mondays.check(TILL, day(4))
    assert isinstance(said, GateFailed)
    assert "transactions.sales_value of 2017-12-04: median 400 of 40 values, usual are 1 to 7" in str(said)
    assert mondays.verdicts()[batch][0] == "held"
    for monday in (11, 18, 25):
        mondays.deliver("transactions", day(monday), lines(prices(40, 100), 9000 + monday * 100))
        assert NUMBERS in mondays.failed(TILL, day(monday))


def test_dearer_days_and_few_rows_pass(mondays):
    mondays.deliver("transactions", day(4), lines(prices(40, 1.5), 9000))
    assert not mondays.failed(TILL, day(4))
    mondays.deliver("transactions", day(11), lines(prices(19, 100), 9900))
    assert NUMBERS not in mondays.failed(TILL, day(11))


def test_another_weekday_has_prices_of_its_own(mondays):
    mondays.deliver("transactions", day(5), lines(prices(40, 100), 9000))
    assert not mondays.failed(TILL, day(5)), "nobody knows what is usual on a Tuesday"


def changes(granted: int, number: int, first: int, channel: str = "email") -> list[dict]:
    return [
        {
            "change_id": f"c{first + n}", "changed_at": "2017-11-01T08:00:00Z", "email": "a@b.example",
            "purpose": "marketing", "channel": channel, "is_granted": "true" if n < granted else "false",
        }
        for n in range(number)
    ]  # fmt: skip


@pytest.fixture
def consent(house, monkeypatch):
    """Four Mondays on which a quarter of the changes are grants."""
    monkeypatch.setenv("CX_DATASET", "nordhaus")
    bootstrap.prepare_warehouse(settings())
    with transaction("cx_landing") as connection:
        ledger.prepare(connection, load_contract("consent"))
    for number, monday in enumerate(MONDAYS):
        house.deliver("changes", day(monday), changes(10, 40, 1000 * number))
        assert not house.failed(CONSENT, day(monday)) - {"data_is_fresh_enough_to_use"}
    return house


def test_a_flag_that_means_the_opposite_is_held(consent):
    batch = consent.deliver("changes", day(4), changes(30, 40, 9000))
    said = str(consent.check(CONSENT, day(4)))
    assert "changes.is_granted of 2017-12-04: 75 % of 40 rows are true, usual are 25 %" in said
    assert consent.verdicts()[batch][0] == "held"
    consent.run(
        "insert into quality.batch_releases (department, entity, batch_id, released_by, reason, as_of)"
        " values ('consent', 'changes', %s, 'me', 'a campaign asked for consent', %s)",
        (batch, day(4)),
    )
    assert SHARES not in consent.failed(CONSENT, day(4))
    assert consent.verdicts()[batch][0] == "accepted"


def test_a_code_nobody_knew_is_held_and_a_swing_is_not(consent):
    consent.deliver("changes", day(4), changes(16, 40, 9000))
    assert SHARES not in consent.failed(CONSENT, day(4))
    consent.deliver("changes", day(11), changes(10, 40, 9900, channel="e-mail"))
    assert SHARES in consent.failed(CONSENT, day(11))
