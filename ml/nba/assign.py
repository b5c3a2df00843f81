"""The best action for everybody at once, when there is not enough of everything for all.

A day's choice is a generalised assignment with few limits: each limit has a price (its Lagrange multiplier), and at the
right prices everybody takes what is worth most to them after paying. The prices minimise the dual bound by cutting
planes (J. Kelley, SIAM Journal 8, 1960), first on a sample, then on all. Who hardly prefers one action over another is
then decided exactly by HiGHS, everybody else is settled (E. Balas & E. Zemel, "An algorithm for large zero-one knapsack
problems", Operations Research 28, 1980). The bound says how far from the optimum it can be.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from ml.nba.capacity import Limits

# Customers of whom the prices are learned first, and the undecided ones who are left to the exact solver.
SAMPLE, CORE = 5_000, 800
_ROUNDS, _CLOSE_ENOUGH = 80, 1e-5


class NoAssignment(RuntimeError):
    """No assignment keeps the limits; the message is the solver's."""


@dataclass(frozen=True)
class Assignment:
    """The column (n) chosen for each customer, the price (m) of each limit in EUR, its value and the most possible."""

    action: np.ndarray
    prices: np.ndarray
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """How much of the most possible value may be missing, 0 to 1."""
        return (self.bound - self.value) / max(abs(self.bound), 1e-9)


def assign(value: np.ndarray, is_eligible: np.ndarray, limits: Limits, maximum: np.ndarray) -> Assignment:
    """Choose an eligible action per customer that maximises the sum of `value` (n, k) within `maximum` (m).

    The same input gives the same choice. Raises ValueError if somebody has no eligible action that uses nothing.
    """
    free = (limits.usage == 0).all(axis=1)
    if not is_eligible[:, free].any(axis=1).all():
        raise ValueError("A customer has no eligible action without a limit; no_action must always be one.")
    known = np.where(is_eligible, value, -np.inf)
    wanted = known.argmax(axis=1)
    rows = np.arange(len(known))
    if (limits.used(wanted) <= maximum).all():
        total = float(known[rows, wanted].sum())
        return Assignment(wanted, np.zeros(len(maximum)), total, total)
    prices, bound = _prices(known, limits, maximum)
    paid = known - limits.usage @ prices
    chosen = paid.argmax(axis=1)
    chosen = _within(paid, chosen, limits, maximum)
    core = np.sort(np.argsort(_margin(paid, chosen), kind="stable")[:CORE])
    left = maximum - limits.used(np.delete(chosen, core))
    chosen[core] = exact(known[core], limits, left)
    return Assignment(chosen, prices, float(known[rows, chosen].sum()), bound)


def _within(paid: np.ndarray, chosen: np.ndarray, limits: Limits, maximum: np.ndarray) -> np.ndarray:
    """Return `chosen` (n) with those moved elsewhere who lose least by it, until every limit holds.

    Prices are right to a few digits, and many customers sit where they are indifferent: at a million customers hundreds
    too many want what is short. They lose next to nothing by being moved.
    """
    chosen = chosen.copy()
    closed = np.zeros(len(limits.usage), dtype=bool)
    # Each turn closes the actions of one limit more for good, so there are at most as many turns as limits.
    for _ in maximum:
        excess = limits.used(chosen) - maximum
        worst = int(np.argmax(excess / np.maximum(maximum, 1)))
        if excess[worst] <= 0:
            break
        closed |= limits.usage[:, worst] > 0
        elsewhere = np.where(closed, -np.inf, paid)
        each = limits.usage[chosen, worst]
        users = np.flatnonzero(each > 0)
        other = elsewhere[users].argmax(axis=1)
        loss = (paid[users, chosen[users]] - elsewhere[users, other]) / each[users]
        order = np.argsort(loss, kind="stable")
        enough = int(np.searchsorted(np.cumsum(each[users][order]), excess[worst] - 1e-9)) + 1
        moved = order[:enough]
        chosen[users[moved]] = other[moved]
    return chosen


def _prices(known: np.ndarray, limits: Limits, maximum: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the prices (m) and the dual bound at them."""
    finite = known[np.isfinite(known)]
    span = finite.max() - finite.min()
    # Dearer than this, nobody would take even the best action of a limit.
    dearest = np.array([span / used[used > 0].min() if (used > 0).any() else 0.0 for used in limits.usage.T])
    low, high = np.zeros(len(maximum)), dearest
    if len(known) > 4 * SAMPLE:
        some = known[:: len(known) // SAMPLE]
        start, _ = _cutting_planes(some, limits, maximum * (len(some) / len(known)), low, high)
        reach = 0.1 * start + 0.02 * dearest
        low, high = np.maximum(start - reach, 0), np.minimum(start + reach, dearest)
    while True:
        prices, bound = _cutting_planes(known, limits, maximum, low, high)
        at_edge = ((prices >= high) & (high < dearest)) | ((prices <= low) & (low > 0))
        if not at_edge.any():
            return prices, bound
        low, high = np.where(at_edge, 0, low), np.where(at_edge, dearest, high)


def _cutting_planes(
    known: np.ndarray, limits: Limits, maximum: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """Minimise the dual function between `low` and `high` (m); return the best prices and its value there."""
    size, rows = len(maximum), np.arange(len(known))
    best, best_bound = low, np.inf
    slopes, offsets = [], []
    prices = (low + high) / 2 if (low > 0).any() else low
    for _ in range(_ROUNDS):
        paid = known - limits.usage @ prices
        chosen = paid.argmax(axis=1)
        slope = maximum - limits.used(chosen)
        bound = float(paid[rows, chosen].sum() + prices @ maximum)
        if bound < best_bound:
            best, best_bound = prices, bound
        slopes.append(slope)
        offsets.append(bound - slope @ prices)
        # Lowest point under all planes so far: minimise t with slope @ prices + offset <= t.
        found = linprog(
            np.append(np.zeros(size), 1),
            A_ub=np.column_stack([slopes, -np.ones(len(slopes))]),
            b_ub=-np.array(offsets),
            bounds=[*zip(low, high, strict=True), (None, None)],
            method="highs",
        )
        if found.status != 0 or best_bound - found.fun <= _CLOSE_ENOUGH * max(abs(best_bound), 1e-9):
            break
        prices = np.clip(found.x[:size], low, high)
    return best, best_bound


def _margin(paid: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return by how much (n) each customer prefers the chosen action over the next one, after paying."""
    rows = np.arange(len(paid))
    best = paid[rows, chosen]
    others = paid.copy()
    others[rows, chosen] = -np.inf
    return best - others.max(axis=1)


def exact(known: np.ndarray, limits: Limits, maximum: np.ndarray, tolerance: float = 1e-3) -> np.ndarray:
    """Return the best action (c) of each customer within `maximum` (m), to a share `tolerance` of the best value.

    `known` (c, k) are the values, -inf where an action is not eligible. Raises NoAssignment if there is none.
    """
    customer, action = np.nonzero(np.isfinite(known))
    ones = np.ones(len(customer))
    columns = np.arange(len(customer))
    one_each = csr_array((ones, (customer, columns)), shape=(len(known), len(customer)))
    used = csr_array(limits.usage[action].T)
    found = milp(
        -known[customer, action],
        integrality=ones,
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(used, -np.inf, maximum)],
        options={"mip_rel_gap": tolerance},
    )
    if found.x is None:
        raise NoAssignment(found.message)
    picked = found.x > 0.5
    chosen = np.empty(len(known), dtype=int)
    chosen[customer[picked]] = action[picked]
    return chosen
