"""Which arm a customer is in, and with what probability each action is drawn: all of it recomputable by anybody.

SquareCB: Foster & Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles", ICML 2020.
"""

import hashlib
from datetime import date

import numpy as np

HOLDOUT, RANDOM, POLICY = "holdout", "random", "policy"
MANDATORY = "mandatory"  # no arm of the experiment: something had to be told (obligation.py)


def draw(seed: int, customer_id: str, as_of: date) -> float:
    """Return the customer's number in [0, 1) for the choice of the day."""
    return _unit(str(seed), customer_id, as_of.isoformat())


def arm(customer_id: str, as_of: date, holdout_share: float, random_share: float) -> str:
    """Return the arm: the hold-out for ever, the random arm for a month, else the policy.

    The hold-out does not depend on the seed: a new seed must not mix treated customers into it.
    """
    if _unit(HOLDOUT, customer_id) < holdout_share:
        return HOLDOUT
    return RANDOM if _unit(RANDOM, customer_id, f"{as_of:%Y-%m}") < random_share else POLICY


def squarecb(value: np.ndarray, is_eligible: np.ndarray, gamma: float, scale: float) -> np.ndarray:
    """Return the probability of each action (n, k) from its value in EUR (n, k); 0 for what is not eligible.

    With K eligible actions, one that is worth `loss` less than the best has 1 / (K + gamma * loss / scale); the best
    has the rest, and equally good ones share it, so that the order of the actions does not matter.
    Raises ValueError if a row has no eligible action.
    """
    if not is_eligible.any(axis=1).all():
        raise ValueError("A customer has no eligible action; no_action must always be one.")
    known = np.where(is_eligible, value, -np.inf)
    best = known.max(axis=1, keepdims=True)
    is_best = is_eligible & (known == best)
    loss = np.where(is_eligible, best - np.where(is_eligible, value, 0), 0) / scale
    others = np.where(is_eligible & ~is_best, 1 / (is_eligible.sum(axis=1, keepdims=True) + gamma * loss), 0)
    rest = (1 - others.sum(axis=1, keepdims=True)) / is_best.sum(axis=1, keepdims=True)
    return np.where(is_best, rest, others)


def propensities(
    arms: np.ndarray, value: np.ndarray, is_eligible: np.ndarray, default: int, gamma: float, scale: float
) -> np.ndarray:
    """Return the probability of each action (n, k) given the arm (n); `default` is the column of no_action.

    Hold-out: no_action for sure. Random: every eligible action alike. Policy: SquareCB.
    """
    chosen = squarecb(value, is_eligible, gamma, scale)
    alike = is_eligible / is_eligible.sum(axis=1, keepdims=True)
    nothing = np.arange(value.shape[1]) == default
    by_arm = arms[:, None]
    return np.where(by_arm == HOLDOUT, nothing, np.where(by_arm == RANDOM, alike, chosen)).astype(float)


def pick(probability: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the column (n) into whose share of [0, 1) the number `drawn` (n) falls, columns laid end to end."""
    ends = np.cumsum(probability, axis=1)
    falls_in = np.argmax(ends > drawn[:, None], axis=1)
    last = probability.shape[1] - 1 - np.argmax(probability[:, ::-1] > 0, axis=1)
    # Rounding may leave the last end a hair below 1; a number above it belongs to the last possible action.
    return np.where(ends[:, -1] > drawn, falls_in, last)


def _unit(*parts: str) -> float:
    """Return the first 53 bits of a SHA-256 over `parts` as a number in [0, 1)."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
