"""When the machine answers alone: the share of wrong answers it promises, kept by an exact bound.

Clopper & Pearson 1934 bounds the error of one threshold. Thresholds are tried from the strictest on and the first that
fails ends the search, so that trying many does not spoil the confidence (fixed-sequence testing; Angelopoulos et al.,
"Learn then Test", 2021).
"""

import numpy as np
from scipy.stats import beta

_STEPS = 200


def upper_bound(wrong: int, answered: int, confidence: float) -> float:
    """Return the error rate that `wrong` of `answered` does not exceed, with `confidence`."""
    return 1.0 if wrong >= answered else float(beta.ppf(confidence, wrong + 1, answered - wrong))


def sure_from(certainty: np.ndarray, is_right: np.ndarray, risk: float, confidence: float) -> float:
    """Return the lowest certainty from which on answers keep the promise; infinity if none does.

    `certainty` (n, at least one) and `is_right` (n) are of messages that the model has not learned from.
    """
    order = np.argsort(-certainty, kind="stable")
    sorted_certainty, wrong = certainty[order], np.cumsum(~is_right[order])
    # So many answers without a mistake prove the risk. The search begins with more where there are more: one wrong
    # label among the surest messages must not end it before it has begun.
    fewest = int(np.ceil(np.log(1 - confidence) / np.log(1 - risk)))
    first = min(max(fewest, min(3 * fewest, len(order) // 2), len(order) // 4), len(order))
    found = np.inf
    for answered in np.unique(np.linspace(first, len(order), _STEPS).astype(int)):
        # Equal certainties are one threshold.
        answered = int(np.searchsorted(-sorted_certainty, -sorted_certainty[answered - 1], side="right"))
        if upper_bound(int(wrong[answered - 1]), answered, confidence) > risk:
            break
        found = float(sorted_certainty[answered - 1])
    return found
