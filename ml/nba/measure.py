"""What the decisions of a time are worth per decision, with an interval: what the platform reports of itself."""

import numpy as np

from ml.ope.interval import Interval, mean_interval


def value_of_decisions(
    reward: np.ndarray,
    action: np.ndarray,
    probability: np.ndarray,
    foretold: np.ndarray,
    customer: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Return the mean net value in EUR per decision of the policy that drew `action` (n) with `probability` (n, k).

    Doubly robust on its own log: `foretold` (n, k) are the net values that the ledger expected before any outcome was
    known, so no decision is judged by a model that has seen it. What the draw happened to be then hardly matters.
    """
    missed = reward - foretold[np.arange(len(action)), action]
    return mean_interval((probability * foretold).sum(axis=1) + missed, customer, confidence)
