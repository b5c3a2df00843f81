"""The population stability index: how far today's values lie from those that a model learned from.

PSI = sum over bins of (today - before) * ln(today / before), in shares of rows (Siddiqi, Credit Risk Scorecards, 2006).
Bins are quantiles of the values before; what is missing has a bin of its own: values that go missing are a drift.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2


@dataclass(frozen=True)
class Bins:
    """Inner edges (k), each belonging to the bin below it, and rows per bin (k + 2), of which the last is missing."""

    edges: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, number: int) -> "Bins":
        """Cut `values` (n, may hold NaN) into at most `number` bins of equal size; equal values are never parted."""
        known = values[~np.isnan(values)]
        if not len(known):
            return cls(np.array([]), np.array([0, len(values)]))
        edges = np.unique(np.quantile(known, np.linspace(0, 1, number + 1)[1:-1], method="inverted_cdf"))
        edges = edges[edges < known.max()]
        return cls(edges, counts(values, edges))

    @classmethod
    def of_kinds(cls, numbers: np.ndarray, many: int) -> "Bins":
        """Give each of `many` kinds a bin of its own; `numbers` (n) say which kind, NaN which of none."""
        edges = np.arange(many - 1, dtype=float)
        return cls(edges, counts(numbers, edges))

    def as_json(self) -> dict[str, list]:
        return {"edges": self.edges.tolist(), "rows": self.rows.tolist()}

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> "Bins":
        return cls(np.array(read["edges"], dtype=float), np.array(read["rows"], dtype=int))


def counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return how many of `values` (n) fall into each bin (k + 2), the missing ones last."""
    missing = np.isnan(values)
    inside = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=len(edges) + 1)
    return np.append(inside, missing.sum())


def population_stability_index(before: Bins, values: np.ndarray) -> float:
    """Return the PSI of `values` (n) against `before`; half a row stands in an empty bin, so that it stays finite."""
    today = counts(values, before.edges)
    used = (before.rows > 0) | (today > 0)
    expected, actual = _shares(before.rows[used]), _shares(today[used])
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def index_by_chance(before: Bins, values: np.ndarray, false_alarm: float) -> float:
    """Return the PSI that values of the same distribution exceed with the probability `false_alarm`.

    With n values today and N before, PSI / (1/n + 1/N) is about chi-squared, one degree less than there are bins
    (Yurdakul, Statistical Properties of the Population Stability Index, 2018). Infinite without values.
    """
    used = (before.rows > 0) | (counts(values, before.edges) > 0)
    rows = np.array([len(values), before.rows.sum()])
    if not rows.all():
        return float("inf")
    return float(chi2.ppf(1 - false_alarm, max(used.sum() - 1, 1)) * (1 / rows).sum())


def _shares(rows: np.ndarray) -> np.ndarray:
    filled = np.maximum(rows.astype(float), 0.5)
    return filled / filled.sum()
