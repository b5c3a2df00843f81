"""One day of wanting: needs arise, grow through awareness and interest, end in a purchase or are given up.

The latent need drives everything that departments see before an order: which sessions there are, what they look at, and
whether a branch or the shop gets the purchase.
"""

from dataclasses import dataclass

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.clock import seconds_of_day
from simulator.nordhaus.state import AWARENESS, INTEREST, NOBODY, NONE, State
from simulator.nordhaus.traits import Traits

# Chance per day that a need moves on, or is given up. A need ends after 1 / (0.45 + 0.30) days in a purchase or never.
TO_INTEREST, TO_PURCHASE, GIVES_UP = 0.50, 0.42, 0.16
BROWSES_WITHOUT_NEED = 0.045  # sessions a day of people who want nothing


@dataclass(frozen=True)
class Sessions:
    """Visits to web or app, one entry each. `purpose` says what the visitor came for."""

    person: np.ndarray
    second: np.ndarray
    is_app: np.ndarray
    purpose: np.ndarray
    category: np.ndarray
    order_no: np.ndarray

    @classmethod
    def of(cls, person, second, is_app, purpose: str, category, order_no=None) -> "Sessions":
        """Sessions of one purpose; without orders `order_no` is empty text."""
        texts = np.full(len(person), "", "U12") if order_no is None else order_no
        purposes = np.full(len(person), purpose, "U8")
        kinds = np.broadcast_to(np.asarray(category), person.shape)
        return cls(person, second, is_app, purposes, kinds, texts)

    @classmethod
    def together(cls, parts: list["Sessions"]) -> "Sessions":
        """All sessions of several purposes, in the order of time."""
        names = ("person", "second", "is_app", "purpose", "category", "order_no")
        whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        order = np.lexsort((whole["person"], whole["second"]))
        return cls(**{name: values[order] for name, values in whole.items()})


@dataclass(frozen=True)
class Purchases:
    """Purchases of a day, one entry each; `branch` is NOBODY in the online shop, else an index into BRANCHES."""

    person: np.ndarray
    second: np.ndarray
    category: np.ndarray
    lines: np.ndarray
    branch: np.ndarray
    is_app: np.ndarray


def awaken(seed: int, day: int, state: State, traits: Traits) -> None:
    """Let needs arise in people who want nothing: by their rate, the season, their mood and what nudged them."""
    person = np.arange(len(state.need))
    free = (state.need == NOBODY) & traits.active(day)
    since = day - state.last_purchase
    # A consumable that runs out is wanted again: around its days of use the rate rises threefold.
    usage = catalogue.USAGE_DAYS[traits.favourite]
    runs_out = (usage > 0) & (np.abs(since - usage) <= 4)
    rate = traits.need_rate * catalogue.demand_factor(day) * np.where(runs_out, 3.0, 1.0)
    rate = rate * np.exp(0.6 * state.mood) * np.exp(-0.25 * state.fatigue) + state.nudge
    arises = free & (randomness.uniform(seed, "need arises", person, day) < 1 - np.exp(-rate))
    who = person[arises]
    category = np.where(
        randomness.uniform(seed, "need favourite", who, day) < 0.55,
        traits.favourite[who],
        randomness.weighted(seed, "need category", _demand_of(day), who, day),
    )
    # Whoever was nudged to a category mostly wants that one.
    nudged = (state.nudge_category[who] != NOBODY) & (
        randomness.uniform(seed, "need nudged", who, day) < state.nudge[who] / rate[who]
    )
    state.need[who] = np.where(nudged, state.nudge_category[who], category)
    state.phase[who] = AWARENESS


def pursue(seed: int, day: int, state: State, traits: Traits, has_account, has_app) -> tuple[Sessions, Purchases]:
    """Move every need one day on; return the visits this causes and the purchases it ends in."""
    person = np.flatnonzero(state.need != NOBODY)
    draw = randomness.uniform(seed, "need moves", person, day)
    phase, mood = state.phase[person], state.mood[person]
    buys = (phase == INTEREST) & (draw < TO_PURCHASE * np.exp(0.5 * mood))
    matures = (phase == AWARENESS) & (draw < TO_INTEREST)
    gives_up = draw > 1 - GIVES_UP * np.exp(-0.5 * mood)
    if catalogue.is_on("stock_out", day):
        out = buys & (state.need[person] == catalogue.COFFEE)
        buys, gives_up = buys & ~out, gives_up | (out & (draw < 0.15))
    state.phase[person[matures]] = INTEREST
    sessions = _visits(seed, day, person, phase, state, traits, has_account, has_app)
    purchases = _purchases(seed, day, person[buys], state, traits, has_account, has_app)
    online = purchases.branch == NOBODY
    buying = Sessions.of(
        purchases.person[online], purchases.second[online], purchases.is_app[online], "buy", purchases.category[online]
    )
    state.last_purchase[purchases.person] = day
    ended = person[buys | gives_up]
    state.need[ended], state.phase[ended] = NOBODY, NONE
    return Sessions.together([sessions, buying]), purchases


def _visits(seed, day, person, phase, state, traits, has_account, has_app) -> Sessions:
    """Visits of people with a need who look today, and of some who just look."""
    looks = randomness.uniform(seed, "looks", person, day)
    likely = np.choose(phase, [0.0, 0.35, 0.55]) * (0.25 + 0.75 * traits.online[person])
    parts = []
    for wanted, purpose in ((AWARENESS, "browse"), (INTEREST, "compare")):
        who = person[(phase == wanted) & (looks < likely)]
        parts.append(_session(seed, day, who, purpose, state.need[who], traits, has_app))
    everybody = np.arange(len(state.need))
    idle = (state.need == NOBODY) & traits.active(day)
    idle &= randomness.uniform(seed, "just looks", everybody, day) < BROWSES_WITHOUT_NEED * traits.online * 2
    who = everybody[idle]
    category = randomness.weighted(seed, "just looks at", catalogue.DEMAND, who, day)
    parts.append(_session(seed, day, who, "browse", category, traits, has_app))
    return Sessions.together(parts)


def _session(seed, day, who, purpose, category, traits, has_app) -> Sessions:
    is_app = has_app[who] & (randomness.uniform(seed, f"app {purpose}", who, day) < traits.app_share[who])
    return Sessions.of(who, seconds_of_day(seed, f"when {purpose}", "home", who, day), is_app, purpose, category)


def _purchases(seed, day, who, state, traits, has_account, has_app) -> Purchases:
    online = has_account[who] & (randomness.uniform(seed, "online", who, day) < traits.online[who])
    is_sunday = catalogue.date_of(day).weekday() == 6
    branch = randomness.integers(seed, "branch", len(catalogue.BRANCHES), who, day // 3650)
    online |= is_sunday & has_account[who]
    # On a Sunday the branches are closed: who has no account comes back tomorrow.
    kept = np.flatnonzero(online | (not is_sunday))
    who, online, branch = who[kept], online[kept], branch[kept]
    second = np.where(
        online, seconds_of_day(seed, "orders", "home", who, day), seconds_of_day(seed, "pays", "branch", who, day)
    )
    lines = 1 + randomness.poisson(seed, "lines", 0.9 * traits.spend_factor[who], who, day)
    is_app = online & has_app[who] & (randomness.uniform(seed, "app buy", who, day) < traits.app_share[who])
    return Purchases(who, second, state.need[who].astype(np.int64), lines, np.where(online, NOBODY, branch), is_app)


def _demand_of(day: int) -> np.ndarray:
    demand = catalogue.DEMAND.copy()
    if catalogue.is_on("viral_spike", day):
        demand[catalogue.NAMES.index("toys")] *= 4
    return demand
