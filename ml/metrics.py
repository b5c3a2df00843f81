"""How good probabilities are, and how sure we are of a difference: five metrics and a bootstrap by customer.

A customer stands in several weeks, so rows are not independent: customers are drawn, not rows.
"""

import numpy as np

_BINS = 10


def log_loss(label: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log-likelihood; smaller is better."""
    return float(np.mean(row_log_loss(label, probability)))


def row_log_loss(label: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row (n)."""
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return -np.where(label == 1, np.log(inside), np.log1p(-inside))


def expected_calibration_error(label: np.ndarray, probability: np.ndarray) -> float:
    """Mean gap between promised and seen rate over 10 bins of equal size, weighted by their size."""
    return float(sum(weight * abs(seen - promised) for promised, seen, weight in reliability(label, probability)))


def reliability(label: np.ndarray, probability: np.ndarray) -> list[tuple[float, float, float]]:
    """Return (mean probability, share of ones, share of rows) for 10 bins of equal size, by rising probability."""
    order = np.argsort(probability, kind="stable")
    return [
        (float(probability[rows].mean()), float(label[rows].mean()), len(rows) / len(label))
        for rows in np.array_split(order, _BINS)
        if len(rows)
    ]


def evaluate(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return pr_auc, roc_auc, log_loss, brier and ece of one set of probabilities."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "pr_auc": float(average_precision_score(label, probability)),
        "roc_auc": float(roc_auc_score(label, probability)),
        "log_loss": log_loss(label, probability),
        "brier": float(np.mean((probability - label) ** 2)),
        "ece": expected_calibration_error(label, probability),
    }


def customer_weights(customer: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Draw customers with replacement; return how often each row counts, shape (draws, n)."""
    _, position = np.unique(customer, return_inverse=True)
    size = position.max() + 1
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=draws)
    return counts[:, position].astype(float)


def weighted_log_loss(label: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Log-loss under each row of weights (draws, n): shape (draws)."""
    return weights @ row_log_loss(label, probability) / weights.sum(axis=1)


def weighted_pr_auc(label: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision under each row of weights (draws, n): shape (draws). Equal scores count as one threshold."""
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True))
    drawn = weights[:, order]
    caught = np.cumsum(drawn * label[order], axis=1)[:, ends]
    flagged = np.cumsum(drawn, axis=1)[:, ends]
    precision = np.divide(caught, flagged, out=np.ones_like(caught), where=flagged > 0)
    recall = caught / np.maximum(caught[:, -1:], 1e-12)
    return np.sum(np.diff(recall, axis=1, prepend=0.0) * precision, axis=1)


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Return the percentile interval that covers 95 % of the draws."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
