"""The weight of evidence: a Fellegi-Sunter model (1969) learned without labels by expectation maximisation.

Splink's own training blocks on a column and learns the others; on small tables many levels are then never seen, and
its u counts the true pairs among the random ones. Here both m and u are learned from all candidate and random pairs,
with a weak prior for levels that are never seen.

Two classes of pairs are not enough: in a company's data most pairs that are alike are families, so "one person" learned
what a household looks like (`bench.identity_nordhaus`, 10,000 people: pair precision 0.29, now 0.997). And who moved
differs in street, number and postcode at once, which independent comparisons punish three times. So four are learned:
one person at one place; one person who moved, whose place says what it says of strangers; one household, whose given
names and birth dates do; strangers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STRENGTH = 4.0  # pairs that the prior on a comparison's m is worth, at least
SHARE = 0.1  # and as a share of the pairs found: what keeps a chance pattern from becoming a class of its own
ROUNDS = 100  # a bound, in case m never settles
MOVED = 0.3  # of the true pairs, before any is seen; only a start: 0.04 to 0.09 was learned on Nordhaus
# Two of a household whom a personal attribute does not tell apart: twins, father and son of one name. Pair precision
# and recall at 10,000 people of Nordhaus, threshold 4: 0.991, 0.987 without; 0.996, 0.986 at 1 %; 0.998, 0.979 at 3 %.
RELATIVES = 0.02
MOST = 0.3  # of all pairs that a class may be: a bound that keeps the shares a probability
TOLERANCE = 1e-5  # settled: no m moves by more in a round


@dataclass(frozen=True)
class Parameters:
    """`m`, `u`, `household`: per comparison, the probability of each level (0 = different) for two records of one
    person, of strangers, and of two people who live together. `roles`: per comparison "person" (given name, birth
    date), "place" (address) or "shared" (the rest, which may be alike in a family).

    The probability that two records taken at random are one person at the same place (`same`), one person at another
    place (`moved`), two people of one household (`together`). Without a place among the comparisons only `same`.
    """

    m: list[np.ndarray]
    u: list[np.ndarray]
    household: list[np.ndarray]
    roles: tuple[str, ...]
    same: float
    moved: float
    together: float

    @property
    def prior(self) -> float:
        """The probability that two records taken at random are one person."""
        return self.same + self.moved


def learn(
    levels: np.ndarray,
    random_levels: np.ndarray,
    groups: list[np.ndarray],
    roles: tuple[str, ...],
    records: int,
    pairs: int,
    sampled: float = 1.0,
) -> Parameters:
    """Learn m, u and the shares from vectors of candidates (a share `sampled` of them) and of random pairs.

    `groups`: per comparison the group of each level; m and u are shares within a group (`comparisons.groups`).
    `pairs`: all pairs there are; those that are no candidates count as strangers.
    True pairs among the random ones are counted out of u: on 1,000 records they are most of those that agree.
    """
    patterns, counts = patterns_of(levels)
    chance, chance_counts = patterns_of(random_levels)
    each = range(len(groups))
    pairs = max(pairs, 1)
    least = 0.5 / pairs  # half a pair: a class that was not met is rare, not impossible
    even = [in_groups(group, lambda size: np.full(size, 1 / size)) for group in groups]
    usual_m = [in_groups(group, usual) for group in groups]
    u = [share(chance[:, k], chance_counts, groups[k], even[k], 1.0) for k in each]
    is_placed = "place" in roles
    others = (MOVED / records, 1 / records) if is_placed else (0.0, 0.0)
    model = Parameters(usual_m, u, usual_m, roles, (1 - MOVED * is_placed) / records, *others)
    for _ in range(ROUNDS):
        same, moved, together, _ = (counts * part for part in classes(patterns, model))
        strange = chance_counts * classes(chance, model)[3]
        strength, family = (STRENGTH + SHARE * part.sum() for part in (same + moved, together))
        m = [
            share(patterns[:, k], same if roles[k] == "place" else same + moved, groups[k], usual_m[k], strength)
            for k in each
        ]
        household = [share(patterns[:, k], together, groups[k], usual_m[k], family) for k in each]
        u = [share(chance[:, k], strange, groups[k], even[k], 1.0) for k in each]
        found = [float(np.clip(part.sum() / sampled / pairs, least, MOST)) for part in (same, moved, together)]
        change = max(np.abs(new - old).max() for new, old in zip(m, model.m, strict=True))
        model = Parameters(m, u, household, roles, found[0], *(found[1:] if is_placed else (0.0, 0.0)))
        if change < TOLERANCE:
            break
    return model


def classes(levels: np.ndarray, model: Parameters) -> np.ndarray:
    """Give the probability of each class (one person here, one person moved, one household, strangers): 4 by pairs."""
    logarithms = np.zeros((4, len(levels)))
    for k, role in enumerate(model.roles):
        m, u, household = (np.append(np.log(p[k]), 0.0)[levels[:, k]] for p in (model.m, model.u, model.household))
        logarithms[0] += m
        logarithms[1] += u if role == "place" else m
        logarithms[2] += (
            np.logaddexp(np.log1p(-RELATIVES) + u, np.log(RELATIVES) + m) if role == "person" else household
        )
        logarithms[3] += u
    with np.errstate(divide="ignore"):
        shares = np.log([model.same, model.moved, model.together, 1 - model.prior - model.together])
    logarithms += shares[:, None]
    scaled = np.exp(logarithms - logarithms.max(axis=0))
    return scaled / scaled.sum(axis=0)


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
