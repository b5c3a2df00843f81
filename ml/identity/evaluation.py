"""How good a partition is, against a known truth: pairs (precision, recall, F1) and B-cubed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Quality:
    """Pairwise precision, recall and F1, and B-cubed F1 (`cluster_f1`), all 0 to 1."""

    precision: float
    recall: float
    f1: float
    cluster_f1: float


def quality(predicted: np.ndarray, truth: np.ndarray, source: np.ndarray | None = None) -> Quality:
    """Compare two partitions, given as one label per record.

    With `source` (two duplicate-free tables were linked) only pairs of records of different tables count.
    B-cubed: Bagga and Baldwin 1998, the mean over records of the precision and recall of the record's own cluster.
    """
    frame = pd.DataFrame({"predicted": pd.factorize(predicted)[0], "person": pd.factorize(truth)[0]})
    frame["source"] = 0 if source is None else pd.factorize(source)[0]
    both = pairs(frame, ["predicted", "person"], source is not None)
    found = pairs(frame, ["predicted"], source is not None)
    real = pairs(frame, ["person"], source is not None)
    precision, recall = (both / found if found else 1.0), (both / real if real else 1.0)
    shared = frame.groupby(["predicted", "person"])["source"].transform("size")
    cubed_precision = float((shared / frame.groupby("predicted")["source"].transform("size")).mean())
    cubed_recall = float((shared / frame.groupby("person")["source"].transform("size")).mean())
    return Quality(precision, recall, harmonic(precision, recall), harmonic(cubed_precision, cubed_recall))


def pairs(frame: pd.DataFrame, keys: list[str], across: bool) -> int:
    """Count the unordered pairs of rows that agree in `keys` (only pairs of different sources if `across`)."""
    sizes = frame.groupby(keys).size()
    count = int((sizes * (sizes - 1) // 2).sum())
    return count - pairs(frame, [*keys, "source"], False) if across else count


def harmonic(one: float, other: float) -> float:
    """Give the harmonic mean (0 where both are 0)."""
    return 2 * one * other / (one + other) if one + other else 0.0
