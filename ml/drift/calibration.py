"""Does what happens still match what was promised? Observed against expected events on closed windows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Events expected (the sum of probabilities) and observed, and by how many standard errors they differ."""

    expected: float
    observed: float
    z: float

    @property
    def ratio(self) -> float:
        """Observed events per expected one."""
        return self.observed / self.expected


def calibration(customer: np.ndarray, label: np.ndarray, probability: np.ndarray) -> Calibration:
    """Compare labels 0/1 (n) with their probabilities (n). Expects at least one row.

    A customer stands in several weeks, so the variance of the sum is that of the customers' sums (cluster-robust, Liang
    and Zeger 1986).
    """
    _, position = np.unique(customer, return_inverse=True)
    residuals = np.bincount(position, weights=label - probability)
    error = float(np.sqrt(np.sum(residuals**2)))
    return Calibration(float(probability.sum()), float(label.sum()), float(residuals.sum()) / max(error, 1e-12))
