"""What every person of Nordhaus will do, as only the truth knows it: many futures lived from one evening.

A draw of the simulator is a hash of seed, purpose, person and day, so another seed from the next morning on is another
future of the same people in the same state. The share of futures in which something happens is its probability given
everything there is to know, the Bayes-optimal score: no model that sees less can be better on average. Counted is what
a department can see: a branch purchase with the card shown, a contact that left an address, an account or an order.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.nordhaus import randomness, service
from simulator.nordhaus.catalogue import FIRST_DAY
from simulator.nordhaus.company import SEED
from simulator.nordhaus.state import NOBODY
from simulator.nordhaus.till import SHOWS_CARD
from simulator.nordhaus.world import Happenings, World


@dataclass(frozen=True)
class Future:
    """What one future holds for each person (n): purchases, EUR spent, contacts with the service, returns."""

    purchases: np.ndarray
    spend_eur: np.ndarray
    tickets: np.ndarray
    returns: np.ndarray


def evenings(people: int, days: list[int]) -> Iterator[tuple[int, World]]:
    """Live the company again, without writing a line, and yield it on the evening of each of `days` (day numbers)."""
    world = World(SEED, people)
    for day in sorted(days):
        while world.state.day < day:
            world.end(world.live())
        yield day, world


def futures(world: World, count: int, horizon: int) -> Iterator[Future]:
    """Live `count` futures of `horizon` days each; the world itself stays where it is."""
    for number in range(count):
        other = copy.deepcopy(world)
        other.seed = SEED + 1 + number
        told = {name: np.zeros(world.n) for name in Future.__dataclass_fields__}
        for _ in range(horizon):
            happened = other.live()
            _count(other, happened, told)
            other.end(happened)
        yield Future(**told)


def day_number(day: np.datetime64) -> int:
    """The number of a calendar day in the world."""
    return int((np.datetime64(day, "D") - np.datetime64(FIRST_DAY, "D")).astype(int))


def _count(world: World, happened: Happenings, told: dict[str, np.ndarray]) -> None:
    day, seed, people = happened.day, world.seed, world.people
    shown = people.has_card[happened.in_branch.person] & (
        randomness.uniform(seed, "shows card", happened.in_branch.person, day) < SHOWS_CARD
    )
    everybody = np.ones(len(happened.online.person), bool)
    for bought, lines, seen in (
        (happened.online, happened.online_lines, everybody),
        (happened.in_branch, happened.branch_lines, shown),
    ):
        np.add.at(told["purchases"], bought.person[seen], 1)
        cents = np.bincount(lines.owner, lines.quantity * lines.price_cents, minlength=len(bought.person))
        np.add.at(told["spend_eur"], bought.person[seen], cents[seen] / 100)
    open_orders = world.state.orders
    back = open_orders["returns"] == day
    np.add.at(told["returns"], open_orders["person"][back], 1)
    who = happened.contacts.person
    draws = {
        kind: randomness.uniform(seed, f"contact/{kind}", who, day) < rate for kind, rate in service.DEFECTS.items()
    }
    has_account = people.has_account[who] & ~draws["no_account"]
    has_order = (happened.contacts.order_day != NOBODY) & ~draws["wrong_order_no"]
    seen = has_account | has_order | ~(draws["no_email"] | draws["other_email"])
    np.add.at(told["tickets"], who[seen], 1)
