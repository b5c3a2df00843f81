"""The weight of evidence: a Fellegi-Sunter model (1969) learned without labels by expectation maximisation.

Splink's own training blocks on a column and learns the others; on small tables many levels are then never seen, and
its u counts the true pairs among the random ones. Here both m and u are learned from all candidate and random pairs,
with a weak prior for levels that are never seen.
"""

from dataclasses import dataclass

import numpy as np

STRENGTH = 4.0  # pairs that the prior on a comparison's m is worth
ROUNDS = 100
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Model:
    """`m`, `u`: per comparison, the probability of each level (0 = different) for a true pair and for strangers.

    `prior`: the probability that two records taken at random are one person.
    """

    m: list[np.ndarray]
    u: list[np.ndarray]
    prior: float


def learn(levels: np.ndarray, random_levels: np.ndarray, sizes: list[int], records: int, pairs: int) -> Model:
    """Learn m, u and the prior from candidate vectors and vectors of random pairs.

    `sizes`: levels per comparison. `pairs`: all pairs there are; those that are no candidates count as strangers.
    """
    patterns, counts = patterns_of(levels)
    chance, chance_counts = patterns_of(random_levels)
    expected = [usual(size) for size in sizes]
    u = [share(chance[:, k], chance_counts, size, np.full(size, 1 / size), 1.0) for k, size in enumerate(sizes)]
    model = Model(expected, u, min(0.5, records / 2 / pairs))
    for _ in range(ROUNDS):
        matched = counts * probability(weights(patterns, model))
        strange = chance_counts * (1 - probability(weights(chance, model)))
        m = [share(patterns[:, k], matched, size, expected[k], STRENGTH) for k, size in enumerate(sizes)]
        u = [share(chance[:, k], strange, size, np.full(size, 1 / size), 1.0) for k, size in enumerate(sizes)]
        learned = Model(m, u, float(np.clip(matched.sum() / pairs, 0.5 / pairs, 0.5)))
        change = max(np.abs(new - old).max() for new, old in zip(learned.m, model.m, strict=True))
        model = learned
        if change < TOLERANCE:
            break
    return model


def usual(size: int) -> np.ndarray:
    """What is expected of true pairs before any is seen: nine in ten agree exactly, each further level half as often."""
    falling = 0.5 ** np.arange(size - 1)[::-1]
    shares = np.append(falling[:-1] / max(falling[:-1].sum(), 1) * 0.15 if size > 2 else falling[:0], 0.8)
    return np.concatenate([[0.05], shares]) / (0.05 + shares.sum())


def share(level: np.ndarray, weight: np.ndarray, size: int, prior: np.ndarray, strength: float) -> np.ndarray:
    """Give the weighted share of each level among the pairs where it is known, with `strength` pairs of prior."""
    known = level >= 0
    seen = np.bincount(level[known], weights=weight[known], minlength=size)
    return (seen + strength * prior) / (seen.sum() + strength)


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


def weights(levels: np.ndarray, model: Model, rarity: np.ndarray | None = None) -> np.ndarray:
    """Give the log2 odds that each pair is one person. `rarity` replaces u where two values are the same."""
    total = np.full(len(levels), np.log2(model.prior / (1 - model.prior)))
    for number, (m, u) in enumerate(zip(model.m, model.u, strict=True)):
        table = np.append(np.log2(m / u), 0.0)  # the last one is for "missing", -1
        total += table[levels[:, number]]
        if rarity is not None:
            same = (levels[:, number] == len(m) - 1) & ~np.isnan(rarity[:, number])
            total[same] += np.log2(u[-1]) - np.log2(rarity[same, number])
    return total


def probability(weight: np.ndarray) -> np.ndarray:
    """Turn log2 odds into probabilities."""
    return 1 / (1 + np.exp2(-np.clip(weight, -100, 100)))
