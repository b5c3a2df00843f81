"""How much better one set of probabilities is than another on the same rows, with an interval by customer."""

from dataclasses import dataclass

import numpy as np

from ml import metrics


@dataclass(frozen=True)
class Gain:
    """A gain (positive = ours is better) with the interval that covers 95 % of the bootstrap draws."""

    point: float
    low: float
    high: float
    draws: np.ndarray

    def as_metrics(self, name: str) -> dict[str, float]:
        """Name the three figures for MLflow."""
        return {name: self.point, f"{name}_low": self.low, f"{name}_high": self.high}

    @classmethod
    def of(cls, point: float, draws: np.ndarray) -> "Gain":
        return cls(float(point), *metrics.interval(draws), draws)


def gains(label: np.ndarray, ours: np.ndarray, theirs: np.ndarray, weights: np.ndarray) -> dict[str, Gain]:
    """Return the gains in log_loss (theirs - ours) and pr_auc (ours - theirs).

    `weights` (draws, n) are drawn by customer, see metrics.customer_weights; both sides see the same draws.
    """
    flat = np.ones((1, len(label)))
    found = {}
    for name, measure, sign in (("log_loss", metrics.weighted_log_loss, -1), ("pr_auc", metrics.weighted_pr_auc, 1)):
        point = sign * (measure(label, ours, flat)[0] - measure(label, theirs, flat)[0])
        found[name] = Gain.of(point, sign * (measure(label, ours, weights) - measure(label, theirs, weights)))
    return found


def mean_gain(parts: list[Gain]) -> Gain:
    """Return the mean over intents; the draws are of the same customers, so they are averaged draw by draw."""
    return Gain.of(np.mean([part.point for part in parts]), np.mean([part.draws for part in parts], axis=0))
