"""The mean of values with long tails, with an interval that covers it as often as it says.

Importance-weighted values are skewed: a few decisions with large weights carry the mean, and until one of them is seen
the normal interval is too short on the side where it would lie. The cubic transformation removes skewness from the
studentised mean (P. Hall, "On the removal of skewness by transformation", JRSS B 54, 1992). It also draws the other
limit nearer, on the word of the very decisions that may be missing, so on each side the farther of the two limits
counts. In 200 worlds of 5,000 logs (`bench.ope`) differences were covered 0.880 times by the transformation alone and
0.950 times so.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Skewness over the root of the count, at most: beyond it a single decision would set the limits.
_MOST_BEND = 0.3


@dataclass(frozen=True)
class Interval:
    """A mean, its standard error and the interval, in the unit of the values."""

    estimate: float
    low: float
    high: float
    standard_error: float


def mean_interval(values: np.ndarray, customer: np.ndarray | None = None, confidence: float = 0.95) -> Interval:
    """Return the mean of `values` (n) with its two-sided interval; rows of one customer (n) count as one draw."""
    mean = float(np.mean(values))
    deviations = by_customer(values - mean, customer)
    count = len(deviations)
    centred = deviations - deviations.mean()
    variance = float(np.mean(centred**2))
    if count < 2 or variance <= 1e-24 * max(mean * mean, 1e-300):
        return Interval(mean, mean, mean, 0.0)
    error = float(np.sqrt(variance / (count - 1)))
    skewness = float(np.mean(centred**3)) / variance**1.5
    bend = float(np.clip(skewness / np.sqrt(count), -_MOST_BEND, _MOST_BEND))
    quantile = float(stats.norm.ppf(0.5 + confidence / 2))
    low = mean - error * max(quantile, _without_skewness(quantile, bend))
    high = mean - error * min(-quantile, _without_skewness(-quantile, bend))
    return Interval(mean, float(low), float(high), error)


def by_customer(values: np.ndarray, customer: np.ndarray | None) -> np.ndarray:
    """Return one deviation per customer (C): their rows summed, on the scale on which the C average like the n."""
    if customer is None:
        return values
    _, position = np.unique(customer, return_inverse=True)
    sums = np.bincount(position, weights=values)
    return sums * (len(sums) / len(values))


def _without_skewness(quantile: float, bend: float) -> float:
    """Return the studentised mean whose transform is `quantile`; `bend` is skewness over the root of the count.

    Hall's g(T) = T + bend (T^2 / 3 + 1 / 6) + bend^2 T^3 / 27, inverted.
    """
    if abs(bend) < 1e-8:
        return quantile
    return float(3 * (np.cbrt(1 + bend * (quantile - bend / 6)) - 1) / bend)
