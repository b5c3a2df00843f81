"""Visits that an order causes after it was placed: where is it, send it back, cancel it, and help with a machine."""

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import seconds_of_day
from simulator.nordhaus.needs import Sessions
from simulator.nordhaus.orders import order_numbers
from simulator.nordhaus.state import State
from simulator.nordhaus.traits import Traits

TRACKS, TRACKS_WHEN_LATE, FILLS_IN_FORM, LOOKS_FOR_HELP = 0.18, 0.5, 0.7, 0.4


def sessions(seed: int, day: int, state: State, traits: Traits, has_app: np.ndarray, failing: np.ndarray) -> Sessions:
    """Visits on `day` that come from open orders and from machines that report an error (`failing`, persons)."""
    orders = state.orders
    who, placed = orders["person"], orders["day"]
    draw = randomness.uniform(seed, "after sales", who, placed, day)
    on_its_way = (orders["ships"] >= 0) & (orders["ships"] <= day) & (day <= orders["arrives"])
    late = on_its_way & (day > orders["promised"])
    rates = {
        "track": np.where(late, TRACKS_WHEN_LATE, TRACKS) * on_its_way,
        "return": FILLS_IN_FORM * (orders["returns"] == day + 1),
        "cancel": FILLS_IN_FORM * (orders["cancels"] == day),
    }
    parts = []
    for purpose, rate in rates.items():
        rows = np.flatnonzero(draw < rate)
        person = who[rows]
        second = seconds_of_day(seed, f"when {purpose}", "home", person, placed[rows], day)
        is_app = has_app[person] & (randomness.uniform(seed, f"app {purpose}", person, day) < traits.app_share[person])
        number = order_numbers(seed, person, placed[rows])
        parts.append(Sessions.of(person, second, is_app, purpose, orders["category"][rows], number))
    helped = failing[randomness.uniform(seed, "help", failing, day) < LOOKS_FOR_HELP]
    second = seconds_of_day(seed, "when help", "home", helped, day)
    parts.append(Sessions.of(helped, second, np.zeros(len(helped), np.bool_), "help", catalogue.SMART_CATEGORY))
    return Sessions.together(parts)
