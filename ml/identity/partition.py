"""Who is one person: scored pairs become clusters that a single bad bridge cannot join.

Connected components believe one wrong pair. Here two groups become one only if the *average* evidence over all pairs
between them, also the pairs that speak against it, is above the threshold: correlation clustering, greedy, best
evidence first (average linkage). Constraints hold always: records of one duplicate-free table never meet, nor do
pairs that were forbidden, nor two different values of what a person has one of (a verified birth date).

A cluster is suspicious if it is very large, or if the two parts that were joined last hang on one pair. It is then
published as these parts, and the case is listed. Cutting the bridge gives what was there before it came, and a full
rebuild gives the same.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

THRESHOLD = 0.0  # log2 odds: more likely one person than not; the model's prior makes this a probability of one half
CLIP = 10.0  # log2 odds beyond which a pair counts no more, so that no single pair decides for a group
ABSENT = -10.0  # what a pair counts that no blocking key has found: it agrees in nothing
SUSPICIOUS_ABOVE = 30  # accounts or contacts of one person; Nordhaus has 5 at most, so six times that is no person


@dataclass(frozen=True)
class Case:
    """A suspicious cluster: why (`size` or `bridge`), its two parts, and the strongest pair between them."""

    reason: str
    parts: tuple[tuple[int, ...], tuple[int, ...]]
    pair: tuple[int, int]
    weight: float


@dataclass(frozen=True)
class Partition:
    """`label`: per record the smallest record of its cluster; `component`: of its connected component; `cases`: the
    suspicious clusters that were published as their parts."""

    label: np.ndarray
    component: np.ndarray
    cases: list[Case]


@dataclass(frozen=True)
class Group:
    """A group of records; the two it was made of and how many pairs between them are enough evidence alone."""

    members: list[int]
    parts: tuple["Group", "Group"] | None = None
    agreeing: int = 0


def partition(
    records: int,
    left: np.ndarray,
    right: np.ndarray,
    weight: np.ndarray,
    source: np.ndarray | None = None,
    forbidden: np.ndarray | None = None,
    threshold: float = THRESHOLD,
    suspicious_above: int = SUSPICIOUS_ABOVE,
    functional: np.ndarray | None = None,
) -> Partition:
    """Cluster the records 0 to `records` - 1.

    `left`, `right`, `weight`: pairs, each once, and their log2 odds. `source`: the table of each record, if tables are
    free of duplicates. `forbidden`: pairs (n by 2) that must not meet (cannot-link), whatever their weight.
    `functional`: per record a value of which a cluster never holds two different ones; missing says nothing.
    """
    low, high = np.minimum(left, right), np.maximum(left, right)
    strong = weight >= threshold
    graph = coo_matrix((np.ones(strong.sum(), dtype=bool), (low[strong], high[strong])), shape=(records, records))
    _, component = connected_components(graph, directed=False)
    size = np.bincount(component, minlength=1)
    inside = (component[low] == component[high]) & (size[component[low]] > 1)
    agreed = np.bincount(component[low[inside & strong]], minlength=len(size))
    unclear = (agreed < size * (size - 1) // 2) | (size > suspicious_above)
    limits = Constraints(source, forbidden, functional)
    for one, other in limits.pairs:
        unclear[component[one]] |= component[one] == component[other]
    first = np.full(len(size), records)
    np.minimum.at(first, component, np.arange(records))
    label = first[component]
    if limits.source is not None:
        per = np.unique(np.column_stack([component, limits.source]), axis=0)
        unclear |= np.bincount(per[:, 0], minlength=len(size)) < size
    if limits.value is not None:
        told = limits.value >= 0
        per = np.unique(np.column_stack([component[told], limits.value[told]]), axis=0)
        unclear |= np.bincount(per[:, 0], minlength=len(size)) > 1
    chosen = np.flatnonzero(inside & unclear[component[low]])
    chosen = chosen[np.argsort(component[low[chosen]], kind="stable")]
    members = np.flatnonzero(unclear[component] & (size[component] > 1))
    members = members[np.argsort(component[members], kind="stable")]
    edges_of = np.split(chosen, np.flatnonzero(np.diff(component[low[chosen]])) + 1) if len(chosen) else []
    members_of = np.split(members, np.flatnonzero(np.diff(component[members])) + 1) if len(members) else []
    cases: list[Case] = []
    for edges, group in zip(edges_of, members_of, strict=True):
        triples = list(zip(low[edges].tolist(), high[edges].tolist(), weight[edges].tolist(), strict=True))
        for cluster in agglomerate(group.tolist(), triples, limits, threshold):
            for part in unsuspicious(cluster, suspicious_above, triples, cases):
                label[part] = min(part)
    return Partition(label, first[component], cases)


def unsuspicious(cluster: Group, above: int, edges: list[tuple[int, int, float]], cases: list[Case]) -> list[list[int]]:
    """Give the parts of a cluster that are above suspicion; add to `cases` what was taken apart."""
    waiting, found = [cluster], []
    while waiting:
        group = waiting.pop()
        if group.parts is None:
            found.append(group.members)
            continue
        bridged = group.agreeing == 1 and min(len(part.members) for part in group.parts) > 1
        if len(group.members) <= above and not bridged:
            found.append(group.members)
            continue
        one, other = sorted(sorted(part.members) for part in group.parts)
        sides = dict.fromkeys(one, 0) | dict.fromkeys(other, 1)
        between = [edge for edge in edges if sides.get(edge[0], 2) + sides.get(edge[1], 2) == 1]
        left, right, weight = min(between, key=lambda edge: (-edge[2], edge[0], edge[1]))
        reason = "size" if len(group.members) > above else "bridge"
        cases.append(Case(reason, (tuple(one), tuple(other)), (left, right), weight))
        waiting.extend(group.parts)
    return found


class Constraints:
    """What must not meet: records of one duplicate-free source, forbidden pairs, and different functional values."""

    def __init__(
        self, source: np.ndarray | None, forbidden: np.ndarray | None, functional: np.ndarray | None = None
    ) -> None:
        self.source = None if source is None else np.unique(source, return_inverse=True)[1]
        self.value = None if functional is None else pd.factorize(functional)[0]  # missing: -1
        self.pairs = [] if forbidden is None else [tuple(pair) for pair in np.asarray(forbidden).tolist()]
        self.enemies: dict[int, set[int]] = defaultdict(set)
        for one, other in self.pairs:
            self.enemies[one].add(other)
            self.enemies[other].add(one)

    def forbid(self, one: list[int], other: list[int]) -> bool:
        """Say whether two groups may not become one."""
        if self.source is not None and {self.source[x] for x in one} & {self.source[x] for x in other}:
            return True
        if self.value is not None and len({self.value[x] for x in (*one, *other)} - {-1}) > 1:
            return True
        return any(self.enemies[record] & set(other) for record in one if record in self.enemies)


def agglomerate(
    records: list[int], edges: Iterable[tuple[int, int, float]], limits: Constraints, threshold: float
) -> list[Group]:
    """Join groups of one component, best average evidence first, until none is above the threshold."""
    groups = {record: Group([record]) for record in records}
    # sum of weights, number of pairs, and how many of them are enough evidence alone
    between: dict[int, dict[int, tuple[float, int, int]]] = defaultdict(dict)
    for one, other, weight in edges:
        clipped = max(-CLIP, min(CLIP, weight))
        between[one][other] = between[other][one] = (clipped, 1, int(weight >= threshold))
    heap = [
        (-total, min(one, other), max(one, other))
        for one, others in between.items()
        for other, (total, *_) in others.items()
        if one < other and total >= threshold
    ]
    heapq.heapify(heap)
    following = max(records) + 1
    names = {record: record for record in records}  # the smallest record of a group, to break ties
    while heap:
        _, one, other = heapq.heappop(heap)
        if one not in groups or other not in groups or limits.forbid(groups[one].members, groups[other].members):
            continue
        agreeing = between[one][other][2]
        parts = groups.pop(one), groups.pop(other)
        merged = parts[0].members + parts[1].members
        new = following
        following += 1
        groups[new], names[new] = Group(merged, parts, agreeing), min(names[one], names[other])
        near = between.pop(one), between.pop(other)
        for third in sorted((set(near[0]) | set(near[1])) & groups.keys(), key=names.get):
            total, pairs, strong = map(sum, zip(*(side[third] for side in near if third in side), strict=True))
            between[new][third] = between[third][new] = (total, pairs, strong)
            between[third].pop(one, None)
            between[third].pop(other, None)
            possible = len(merged) * len(groups[third].members)
            average = (total + ABSENT * (possible - pairs)) / possible
            if average >= threshold:
                heapq.heappush(heap, (-average, *sorted((new, third))))
    return list(groups.values())
