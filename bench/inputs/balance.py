"""Which columns of an experiment came after the treatment: they differ between its arms, which nothing before does."""

import numpy as np


def after_treatment(
    features: np.ndarray, action: np.ndarray, propensity: np.ndarray, threshold: float = 4.0
) -> list[int]:
    """Return the columns (of n, d) whose weighted mean in some arm is `threshold` standard errors off that of all.

    Four standard errors happen by chance to one column in 16,000; weights undo propensities that depend on customers.
    """
    found = []
    for number in range(features.shape[1]):
        column = np.nan_to_num(features[:, number], nan=np.nanmean(features[:, number]))
        for arm in np.unique(action):
            mine = action == arm
            weight = 1 / propensity[mine]
            mean = np.average(column[mine], weights=weight)
            error = np.sqrt(np.sum((weight * (column[mine] - mean)) ** 2)) / weight.sum()
            off = abs(mean - column.mean())
            # The arm is part of all: only what others add to the mean is news.
            if off > threshold * error * np.sqrt(1 - mine.mean()):
                found.append(number)
                break
    return found
