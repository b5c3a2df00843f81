"""Draw for everybody at once, each with exactly their probabilities, and together never more than expected, rounded up.

Independent draws keep a capacity only on average. Dependent rounding keeps it always and leaves every probability what
it was: two customers exchange probability, one towards one class of actions and the other away from it, by a fair bet,
until each has one class for sure (R. Gandhi, S. Khuller, S. Parthasarathy & A. Srinivasan, "Dependent rounding and its
applications to approximation algorithms", Journal of the ACM 53, 2006). Pairs of customers that share two classes bet
all at once; the few that are left bet along cycles and paths.
"""

from itertools import combinations

import numpy as np

_NOTHING = 1e-12  # what rounding leaves of a probability that was exchanged away


def balanced(probability: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Return a class (n) for each customer, drawn with `probability` (n, g); rows sum to 1.

    Class j is drawn floor(s) or ceil(s) times, s being the sum of its column.
    """
    left = probability.astype(float).copy()
    left[left < _NOTHING] = 0
    for one, other in combinations(range(left.shape[1]), 2):
        _exchange(left, one, other, chance)
    _settle(left, chance)
    return left.argmax(axis=1)


def _exchange(left: np.ndarray, one: int, other: int, chance: np.random.Generator) -> None:
    """Let pairs of customers bet on two classes until at most one customer hesitates between them."""
    open_rows = np.flatnonzero((left[:, one] > 0) & (left[:, other] > 0))
    while len(open_rows) > 1:
        pairs = len(open_rows) // 2
        first, second = open_rows[:pairs], open_rows[pairs : 2 * pairs]
        forth = np.minimum(left[first, other], left[second, one])
        back = np.minimum(left[first, one], left[second, other])
        # The mean of the bet is nothing: forth with probability back / (forth + back), else back.
        bet = np.where(chance.random(pairs) * (forth + back) < back, forth, -back)
        for rows, column, step in ((first, one, bet), (first, other, -bet), (second, one, -bet), (second, other, bet)):
            moved = left[rows, column] + step
            left[rows, column] = np.where(moved < _NOTHING, 0, moved)
        open_rows = open_rows[(left[open_rows, one] > 0) & (left[open_rows, other] > 0)]


def _settle(left: np.ndarray, chance: np.random.Generator) -> None:
    """Round the customers who still hesitate, along cycles and along paths between classes that end there."""
    open_rows = np.flatnonzero((left > 0).sum(axis=1) > 1)
    while len(open_rows):
        walk = _walk(left, open_rows)
        rows, columns = np.array(walk).T
        sign = np.where(np.arange(len(walk)) % 2 == 0, 1.0, -1.0)
        amount = left[rows, columns]
        forth, back = amount[sign < 0].min(), amount[sign > 0].min()
        bet = forth if chance.random() * (forth + back) < back else -back
        moved = amount + sign * bet
        left[rows, columns] = np.where(moved < _NOTHING, 0, moved)
        open_rows = open_rows[(left[open_rows] > 0).sum(axis=1) > 1]


def _walk(left: np.ndarray, open_rows: np.ndarray) -> list[tuple[int, int]]:
    """Return the edges (customer, class) of a cycle, or of a path that ends in classes with one hesitating customer.

    A class in the middle gains at one edge what it loses at the next. A class at the end has no other open edge, so its
    count stays between its expectation rounded down and up.
    """
    edges: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for row in open_rows.tolist():
        for column in np.flatnonzero(left[row] > 0).tolist():
            edges.setdefault(("customer", row), []).append(("class", column))
            edges.setdefault(("class", column), []).append(("customer", row))
    at = min((node for node in edges if len(edges[node]) == 1), default=next(iter(edges)))
    path = [at]
    while True:
        onward = [node for node in edges[at] if len(path) < 2 or node != path[-2]]
        if not onward:
            break
        at = onward[0]
        if at in path:
            path = [*path[path.index(at) :], at]
            break
        path.append(at)
    steps = zip(path, path[1:], strict=False)
    return [(one[1], two[1]) if one[0] == "customer" else (two[1], one[1]) for one, two in steps]
