"""What becomes of an online order: paid, shipped, delivered, late, cancelled, sent back. Decided when it is placed."""

from dataclasses import dataclass

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import epoch
from simulator.nordhaus.needs import Purchases
from simulator.nordhaus.state import NOBODY, ORDER_COLUMNS, State

ORDER_DIGITS = 10
PAYMENT_FAILS, PAYMENT_FAILS_IN_INCIDENT = 0.02, 0.35
CANCELS, FAULTY, GIFT = 0.02, 0.025, 0.04
PROMISED_DAYS = 3
DISCOUNT_SHARE = 0.15  # of the order value, with a voucher
NEVER = NOBODY
# Seconds of the day at which the warehouse and the courier book things.
_SHIPS_AT, _ARRIVES_AT, _RETURNS_AT, _CANCELS_AT = 4 * 3600, 15 * 3600, 12 * 3600, 11 * 3600


@dataclass(frozen=True)
class OrderLines:
    """The articles of orders or receipts: `owner` is the index of the order, the rest one entry per line."""

    owner: np.ndarray
    line_no: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    price_cents: np.ndarray


def order_numbers(seed: int, person: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    """The number of a person's order of a day: it says nothing about either."""
    return randomness.codes(seed, "order", ORDER_DIGITS, person, day)


def lines_of(seed: int, day: int, purchases: Purchases, products: catalogue.Products) -> OrderLines:
    """The articles that each purchase holds; mostly of the category that was wanted."""
    owner = np.repeat(np.arange(len(purchases.person)), purchases.lines)
    starts = np.cumsum(purchases.lines) - purchases.lines
    line_no = np.arange(len(owner)) - starts[owner] + 1
    person = purchases.person[owner]
    other = randomness.weighted(seed, "line category", catalogue.DEMAND, person, day, line_no)
    same = (line_no == 1) | (randomness.uniform(seed, "line same", person, day, line_no) < 0.6)
    category = np.where(same, purchases.category[owner], other)
    product = products.choose(seed, "article", category, person, day, line_no)
    # The second of two equal articles becomes a piece more of the first, as at every till.
    quantity = 1 + (randomness.uniform(seed, "pieces", person, day, line_no) < 0.18)
    return OrderLines(owner, line_no, product, quantity, products.price_cents[product])


def place(seed: int, day: int, purchases: Purchases, lines: OrderLines, state: State, voucher: np.ndarray) -> None:
    """Add the day's online orders to the open ones, with everything that will happen to them."""
    who = purchases.person
    value = np.bincount(lines.owner, lines.quantity * lines.price_cents, len(who)).astype(np.int64)
    discount = np.where(voucher, (value * DISCOUNT_SHARE).astype(np.int64), 0)

    def chance(purpose: str) -> np.ndarray:
        return randomness.uniform(seed, f"order/{purpose}", who, day)

    fails = PAYMENT_FAILS_IN_INCIDENT if catalogue.is_on("payment_failure", day) else PAYMENT_FAILS
    failed = chance("payment") < fails
    paid = np.where(failed, np.where(chance("pays later") < 0.55, day + 1, NEVER), day)
    cancels = np.where((chance("cancel") < CANCELS) | (paid == NEVER), day + 1, NEVER)
    goes_on = (paid != NEVER) & (cancels == NEVER)
    ships = np.where(goes_on, paid + 1 + (chance("ship") < 0.25), NEVER)
    late_by = np.where(chance("late") < 0.06, 2 + (chance("late by") * 4).astype(np.int64), 0)
    travels = 1 + (chance("travel") < 0.45) + late_by
    week = np.isin(
        ships,
        np.arange(catalogue.INCIDENTS["courier_bad_week"].first, catalogue.INCIDENTS["courier_bad_week"].last + 1),
    )
    travels = travels + np.where(week & (chance("courier") < 0.7), 3 + (chance("courier by") * 5).astype(np.int64), 0)
    arrives = np.where(goes_on, ships + travels, NEVER)
    faulty = goes_on & (chance("faulty") < FAULTY)
    back = chance("return") < catalogue.RETURN_SHARE[purchases.category] * np.where(faulty, 6.0, 1.0)
    returns = np.where(goes_on & back, arrives + 3 + (chance("return after") * 9).astype(np.int64), NEVER)
    new = {
        "person": who,
        "day": np.full(len(who), day),
        "second": purchases.second,
        "category": purchases.category,
        "lines": purchases.lines,
        "total_cents": value - discount,
        "discount_cents": discount,
        "paid": paid,
        "ships": ships,
        "arrives": arrives,
        "promised": np.full(len(who), day + PROMISED_DAYS),
        "cancels": cancels,
        "returns": returns,
        "is_faulty": faulty,
        "is_gift": chance("gift") < GIFT,
    }
    state.orders = {
        name: np.concatenate([state.orders[name], new[name].astype(kind)]) for name, kind in ORDER_COLUMNS.items()
    }


@dataclass(frozen=True)
class OrderChanges:
    """What the shop's table shows after each change of the day: the order (row of `state.orders`), status and when."""

    row: np.ndarray
    status: np.ndarray
    changed_at: np.ndarray


def changes_of(seed: int, day: int, state: State) -> OrderChanges:
    """Every change of an order's status on `day`, in the order of time (epoch seconds, UTC)."""
    orders = state.orders
    row = np.arange(len(orders["person"]))
    minute = randomness.integers(seed, "booked", 3000, orders["person"], orders["day"])
    fails_today = (orders["day"] == day) & (orders["paid"] != day)
    found = [
        (orders["day"] == day, "placed", orders["second"]),
        (fails_today, "payment_failed", orders["second"] + 40),
        (orders["paid"] == day, "paid", np.where(orders["day"] == day, orders["second"] + 60, _CANCELS_AT)),
        (orders["ships"] == day, "shipped", _SHIPS_AT + minute),
        (orders["arrives"] == day, "delivered", _ARRIVES_AT + 3 * minute),
        (orders["cancels"] == day, "cancelled", _CANCELS_AT + minute),
        (orders["returns"] == day, "returned", _RETURNS_AT + minute),
    ]
    rows, statuses, seconds = [], [], []
    for where, status, second in found:
        rows.append(row[where])
        statuses.append(np.full(int(where.sum()), status, "U14"))
        seconds.append(np.broadcast_to(second, row.shape)[where])
    row, status, second = np.concatenate(rows), np.concatenate(statuses), np.concatenate(seconds)
    # Late in the evening an order is still paid on its day.
    changed_at = epoch(day, np.minimum(second, 86_340 + minute[row] % 59))
    order = np.lexsort((status, changed_at))
    return OrderChanges(row[order], status[order], changed_at[order])


def forget_closed(day: int, state: State) -> None:
    """Drop the orders to which nothing more can happen: sent back, cancelled, or delivered two weeks ago."""
    orders = state.orders
    last = np.maximum.reduce([orders["returns"], orders["cancels"] + 1, orders["arrives"] + 14, orders["day"] + 2])
    keep = last > day
    state.orders = {name: values[keep] for name, values in orders.items()}
