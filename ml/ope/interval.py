"""The mean of values with long tails, with an interval that covers it as often as it says.

Importance-weighted values are skewed: a few decisions with large weights carry the mean, and until one of them is seen
the normal interval is too short on the side where it would lie. Two corrections, both closed-form: the cubic
transformation that removes skewness from the studentised mean (P. Hall, "On the removal of skewness by transformation",
JRSS B 54, 1992), and Student's t with the degrees of freedom that the kurtosis leaves to the variance,
2 C / (kurtosis - 1), C - 1 for normal values (Satterthwaite, Biometrics Bulletin 2, 1946).
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

# Fewer would count a single heavy decision twice: it already bends the interval by its skewness.
_FEWEST_DEGREES = 10.0


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
    kurtosis = float(np.mean(centred**4)) / variance**2
    degrees = np.clip(2 * count / max(kurtosis - 1, 1e-9), _FEWEST_DEGREES, max(count - 1, _FEWEST_DEGREES))
    quantile = float(stats.t.ppf(0.5 + confidence / 2, degrees))
    bend = skewness / np.sqrt(count)
    low = mean - error * _without_skewness(quantile, bend)
    high = mean - error * _without_skewness(-quantile, bend)
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
