"""True probabilities under limits: who gets what is short is decided globally, and exploring it is rationed.

Everybody is assigned an action by `ml.nba.assign`, at prices that the limits have. The policy is SquareCB around it:
with K eligible actions, one that is worth `loss` less than the assigned one after paying the prices has probability
share / (K + gamma * loss / scale), and the assigned one has the rest. `share` is 1 for what is not limited; of what is,
so much that all expectations together stay within the limits. A balanced draw (`ml.nba.balance`) then keeps the limits
not only on average, and every probability stays what was logged.
"""

from dataclasses import dataclass

import numpy as np

from ml.nba.assign import Assignment, assign
from ml.nba.balance import balanced
from ml.nba.capacity import Limits
from ml.nba.explore import HOLDOUT, POLICY, RANDOM


@dataclass(frozen=True)
class Rationed:
    """What a day's limits make of it: `assigned` (n), `price` (k) in EUR per execution, `share` (k) of exploration.

    `probability` (n, k) is what each action is drawn with; `gap` how much of the best possible value may be missing.
    """

    assigned: np.ndarray
    price: np.ndarray
    share: np.ndarray
    probability: np.ndarray
    gap: float


def ration(
    arms: np.ndarray,
    value: np.ndarray,
    is_eligible: np.ndarray,
    limits: Limits,
    default: int,
    gamma: float,
    scale: float,
    explored_share: float,
) -> Rationed:
    """Assign actions globally to the policy arm (n of `arms`) and ration what all arms explore.

    `value` (n, k) in EUR, `default` the column of no_action, `explored_share` how much of each limit is kept for
    exploring. Raises ValueError if no_action uses anything or is not eligible for somebody.
    """
    if limits.usage[default].any() or not is_eligible[:, default].all():
        raise ValueError("no_action must use nothing and be eligible for everybody.")
    room = limits.spendable()
    assigned = np.full(len(arms), default)
    follows = arms == POLICY
    found = Assignment(assigned[:0], np.zeros(len(room)), 0.0, 0.0)
    if follows.any():
        found = assign(value[follows], is_eligible[follows], limits, _for_policy(room, limits, explored_share))
        assigned[follows] = found.action
    price = limits.usage @ found.prices
    wished = propensities(arms, value - price, is_eligible, assigned, np.ones(value.shape[1]), default, gamma, scale)
    share = _shares(wished, assigned, limits, room)
    drawn = propensities(arms, value - price, is_eligible, assigned, share, default, gamma, scale)
    return Rationed(assigned, price, share, drawn, found.gap)


def propensities(
    arms: np.ndarray,
    paid: np.ndarray,
    is_eligible: np.ndarray,
    assigned: np.ndarray,
    share: np.ndarray,
    default: int,
    gamma: float,
    scale: float,
) -> np.ndarray:
    """Return the probability (n, k) of each action, given its value after paying (n, k) and the assigned one (n).

    Hold-out: no_action for sure. Random: share / K for every eligible action, no_action has the rest. Without limits
    that are the uniform draw and SquareCB, where only the assigned one of several equally good ones has the rest.
    """
    rows = np.arange(len(paid))
    base = np.where(arms == POLICY, assigned, default)
    loss = np.maximum(paid[rows, base][:, None] - np.where(is_eligible, paid, 0), 0) / scale
    loss[arms == RANDOM] = 0
    others = np.where(is_eligible, share / (is_eligible.sum(axis=1, keepdims=True) + gamma * loss), 0)
    others[rows, base] = 0
    others[arms == HOLDOUT] = 0
    others[rows, base] = 1 - others.sum(axis=1)
    return others


def draw_within(
    probability: np.ndarray, limits: Limits, numbers: np.ndarray, chance: np.random.Generator
) -> np.ndarray:
    """Return the number (n) in [0, 1) by which `explore.pick` gives an action, no limit being exceeded by all of them.

    `numbers` (n) are uniform and independent; the result is uniform for each customer and only together not
    independent. Classes of equal use are drawn balanced, the action and the place within by `numbers`.
    """
    of_action, usage = limits.classes()
    by_class = np.stack([probability[:, of_action == one].sum(axis=1) for one in range(len(usage))], axis=1)
    chosen = balanced(by_class / by_class.sum(axis=1, keepdims=True), chance)
    rows = np.arange(len(probability))
    within = np.where(of_action[None, :] == chosen[:, None], probability, 0)
    ends = np.cumsum(within, axis=1)
    reached = numbers * ends[:, -1]
    action = np.minimum((ends <= reached[:, None]).sum(axis=1), probability.shape[1] - 1)
    starts = np.cumsum(probability, axis=1)[rows, action] - probability[rows, action]
    inside = reached - (ends[rows, action] - within[rows, action])
    return _into(probability, action, starts + inside)


def _into(probability: np.ndarray, action: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return `place` (n), moved by a hair where rounding has put it outside the share of `action` (n)."""
    rows = np.arange(len(probability))
    ends = np.cumsum(probability, axis=1)
    low = np.where(action > 0, ends[rows, np.maximum(action - 1, 0)], 0.0)
    return np.clip(place, low, np.nextafter(np.minimum(ends[rows, action], 1.0), 0.0))


def _for_policy(room: np.ndarray, limits: Limits, explored_share: float) -> np.ndarray:
    """Return what is left of `room` (m) for the assignment; a limit too small to share is not explored at all."""
    smallest = np.array([used[used > 0].min() if (used > 0).any() else 0.0 for used in limits.usage.T])
    kept = np.where(explored_share * room >= smallest, explored_share * room, 0)
    return room - kept


def _shares(wished: np.ndarray, assigned: np.ndarray, limits: Limits, room: np.ndarray) -> np.ndarray:
    """Return how much (k) of the exploration that SquareCB wishes (n, k) the limits allow for each action."""
    rows = np.arange(len(wished))
    explored = wished.copy()
    explored[rows, assigned] = 0
    # What the assigned ones lose to exploring what is not limited is free for sure.
    unlimited = ~(limits.usage > 0).any(axis=1)
    kept = 1 - explored[:, unlimited].sum(axis=1)
    promised = np.bincount(assigned, weights=kept, minlength=len(limits.usage)) @ limits.usage
    asked = explored.sum(axis=0) @ limits.usage
    allowed = np.divide(room - promised, asked, out=np.ones(len(room)), where=asked > 0).clip(0, 1)
    # Below the limit by a hair: a sum of a million probabilities is right to the ninth digit only.
    allowed = np.where(allowed < 1, allowed * (1 - 1e-9), 1)
    return np.where(limits.usage > 0, allowed[None, :], 1.0).min(axis=1)
