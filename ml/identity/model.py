"""The weight of evidence: a Fellegi-Sunter model (1969) learned without labels by expectation maximisation.

Splink's own training blocks on a column and learns the others; on small tables many levels are then never seen, and
its u counts the true pairs among the random ones. Here both m and u are learned from all candidate and random pairs,
with a weak prior for levels that are never seen.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STRENGTH = 4.0  # pairs that the prior on a comparison's m is worth, at least
SHARE = 0.1  # and as a share of the pairs found: what keeps a chance pattern from becoming a class of its own
ROUNDS = 100  # a bound, in case m never settles
TOLERANCE = 1e-5  # settled: no m moves by more in a round


@dataclass(frozen=True)
class Model:
    """`m`, `u`: per comparison, the probability of each level (0 = different) for a true pair and for strangers.

    `prior`: the probability that two records taken at random are one person.
    """

    m: list[np.ndarray]
    u: list[np.ndarray]
    prior: float


def learn(
    levels: np.ndarray,
    random_levels: np.ndarray,
    groups: list[np.ndarray],
    records: int,
    pairs: int,
    sampled: float = 1.0,
) -> Model:
    """Learn m, u and the prior from vectors of candidates (a share `sampled` of them) and of random pairs.

    `groups`: per comparison the group of each level; m and u are shares within a group (`comparisons.groups`).
    `pairs`: all pairs there are; those that are no candidates count as strangers.
    True pairs among the random ones are counted out of u: on 1,000 records they are most of those that agree.
    """
    patterns, counts = patterns_of(levels)
    chance, chance_counts = patterns_of(random_levels)
    each = range(len(groups))
    even = [in_groups(group, lambda size: np.full(size, 1 / size)) for group in groups]
    usual_m = [in_groups(group, usual) for group in groups]
    u = [share(chance[:, k], chance_counts, groups[k], even[k], 1.0) for k in each]
    model = Model(usual_m, u, 1 / records)
    for _ in range(ROUNDS):
        matched = counts * probability(weights(patterns, model))
        strange = chance_counts * (1 - probability(weights(chance, model)))
        strength = STRENGTH + SHARE * matched.sum()
        m = [share(patterns[:, k], matched, groups[k], usual_m[k], strength) for k in each]
        u = [share(chance[:, k], strange, groups[k], even[k], 1.0) for k in each]
        prior = np.clip(matched.sum() / sampled / pairs, 0.5 / pairs, 0.5)
        change = max(np.abs(new - old).max() for new, old in zip(m, model.m, strict=True))
        model = Model(m, u, float(prior))
        if change < TOLERANCE:
            break
    return model


def usual(size: int) -> np.ndarray:
    """What is expected of true pairs before any is seen: most agree exactly, each further level is half as frequent."""
    falling = 0.5 ** np.arange(size - 1)[::-1]
    shares = np.append(falling[:-1] / max(falling[:-1].sum(), 1) * 0.15 if size > 2 else falling[:0], 0.8)
    return np.concatenate([[0.05], shares]) / (0.05 + shares.sum())


def in_groups(group: np.ndarray, shares: Callable[[int], np.ndarray]) -> np.ndarray:
    """Lay `shares` of a number of levels out over each group of levels."""
    laid = np.empty(len(group))
    for number in np.unique(group):
        laid[group == number] = shares(int((group == number).sum()))
    return laid


def share(level: np.ndarray, weight: np.ndarray, group: np.ndarray, prior: np.ndarray, strength: float) -> np.ndarray:
    """Give the weighted share of each level in its group, among the pairs where it is known.

    `prior` counts for `strength` pairs in each group.
    """
    known = level >= 0
    seen = np.bincount(level[known], weights=weight[known], minlength=len(prior))
    whole = np.bincount(group, weights=seen)[group]
    return (seen + strength * prior) / (whole + strength)


def patterns_of(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the distinct vectors and how often each occurs."""
    code = np.zeros(len(levels), dtype=np.int64)
    for column in levels.T:
        code = code * 16 + (column.astype(np.int64) + 1)
    values, counts = np.unique(code, return_counts=True)
    found = np.empty((len(values), levels.shape[1]), dtype=np.int8)
    for number in reversed(range(levels.shape[1])):
        found[:, number] = values % 16 - 1
        values = values // 16
    return found, counts.astype(float)


def weights(levels: np.ndarray, model: Model) -> np.ndarray:
    """Give the log2 odds that each pair is one person, without term frequencies (Splink adds those when it scores)."""
    total = np.full(len(levels), np.log2(model.prior / (1 - model.prior)))
    for number, (m, u) in enumerate(zip(model.m, model.u, strict=True)):
        total += np.append(np.log2(m / u), 0.0)[levels[:, number]]  # the last one is for "missing", -1
    return total


def probability(weight: np.ndarray) -> np.ndarray:
    """Turn log2 odds into probabilities."""
    return 1 / (1 + np.exp2(-np.clip(weight, -100, 100)))
