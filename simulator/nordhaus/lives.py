"""How households are formed and what happens to their members, all by hash of person or household.

Households lie inside blocks of 24 persons, so a person is the same whether the world has 24 or 24 million of them.
"""

import numpy as np

from simulator.nordhaus import randomness

BLOCK = 24
NEVER = np.int32(2**31 - 1)
SINGLE, HEAD, PARTNER, CHILD, FLATMATE = range(5)
# Kinds of household: share among households, size, number of parents (0: strangers who share a flat).
KINDS = (
    (0.42, 1, 1), (0.27, 2, 2), (0.10, 3, 2), (0.065, 4, 2), (0.02, 5, 2), (0.045, 2, 1), (0.015, 3, 1),
    (0.035, 2, 0), (0.025, 3, 0), (0.01, 4, 0),
)  # fmt: skip
# Events per year; a household moves together, a person moves out of it.
RATES = {"household_move": 0.07, "single_move": 0.12, "move_out": 0.10, "couple_marriage": 0.09, "marriage": 0.02,
         "new_phone": 0.13, "new_email": 0.06}  # fmt: skip
EVENTS_KEPT = {"household_move": 4, "move_out": 4, "marriage": 1, "new_phone": 3, "new_email": 1}


def households(seed: int, persons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return per person (whole blocks, in order) the household's first person, the role and the household's kind."""
    blocks = np.arange(len(persons) // BLOCK)
    head = np.zeros((len(blocks), BLOCK), dtype=np.int64)
    role, kind_of = np.zeros_like(head), np.zeros_like(head)
    sizes, parents = np.array([kind[1] for kind in KINDS]), np.array([kind[2] for kind in KINDS])
    start = np.zeros(len(blocks), dtype=np.int64)
    kind = np.zeros(len(blocks), dtype=np.int64)
    for place in range(BLOCK):
        drawn = randomness.weighted(seed, "household", [kind[0] for kind in KINDS], blocks, place)
        begins = place == start
        fits = place + sizes[drawn] <= BLOCK
        kind = np.where(begins, np.where(fits, drawn, 0), kind)
        member = np.where(begins, 0, place - _first(start, kind, sizes, begins))
        head[:, place] = blocks * BLOCK + place - member
        kind_of[:, place] = kind
        role[:, place] = _role(member, sizes[kind], parents[kind])
        start = np.where(begins, place + sizes[kind], start)
    return head.ravel(), role.ravel().astype(np.int8), kind_of.ravel().astype(np.int8)


def _first(start: np.ndarray, kind: np.ndarray, sizes: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """Return the place where the running household began (`start` is where the next one begins)."""
    return np.where(begins, start, start - sizes[kind])


def _role(member: np.ndarray, size: np.ndarray, parents: np.ndarray) -> np.ndarray:
    is_child = (parents > 0) & (member >= parents)
    role = np.where(is_child, CHILD, np.where(parents == 0, FLATMATE, np.where(member == 1, PARTNER, HEAD)))
    return np.where(size == 1, SINGLE, role)


def event_days(seed: int, purpose: str, kept: int, per_year: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the days of the first `kept` events per key, ascending (int32, shape (len(keys), kept)).

    Waiting times are exponential with rate `per_year`; the first possible day is 1, and NEVER stands for no event.
    """
    number = np.arange(kept)
    waits = -np.log1p(-randomness.uniform(seed, purpose, keys[:, None], number[None, :]))
    with np.errstate(divide="ignore", invalid="ignore"):
        days = 1 + np.cumsum(waits * 365.25 / np.asarray(per_year, dtype=np.float64).reshape(-1, 1), axis=1)
    return np.where(np.isfinite(days) & (days < NEVER), days, NEVER).astype(np.int32)


def count_until(days: np.ndarray, day: np.ndarray | int) -> np.ndarray:
    """Return per row how many of its event days are at or before `day` (a number or one per row)."""
    return (days <= np.asarray(day).reshape(-1, 1)).sum(axis=1)
