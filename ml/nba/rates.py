"""P(something follows | customer, action), for all actions together: a regression first, trees on what it leaves.

Answers are rare, so each layer starts from the one before it: the rate of the action shrunk to what was assumed, a
logistic regression whose slopes are shared by the actions and own to each, both shrunk to zero, then XGBoost. Where the
same happens without any action too, all layers start from the log-odds with which it happens anyway, and the rate of
the action becomes what the action adds to them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

_RARE = 1e-4  # log-odds of a rate stay finite
_FEWEST = 30  # decisions from which an action gets slopes of its own
_TURNS, _STILL = 12, 1e-3
_FARTHEST = 3.0  # log-odds that an action may add: twenty times the odds


class Rates:
    """Fitted on n decisions among k actions; `settings` holds prior_contacts, maximum_rows, ridge, own_ridge, trees."""

    def __init__(self, assumed: np.ndarray, settings: Mapping[str, Any], seed: int) -> None:
        self.assumed, self.settings, self.seed = assumed, settings, seed

    def fit(
        self,
        features: np.ndarray,
        action: np.ndarray,
        happened: np.ndarray,
        weight: np.ndarray,
        anyway: np.ndarray | None = None,
    ) -> "Rates":
        """Learn from features (n, d), the action (n), whether it happened (n) and how much each counts (n).

        `anyway` (n) are the log-odds with which it happens without an action; `assumed` is then what is added to them
        as probability. Without it, nothing happens anyway.
        """
        prior = self.settings["prior_contacts"]
        if anyway is None:
            anyway = np.zeros(len(action))
            self.log_odds = log_odds(shrunk_means(action, happened, weight, self.assumed, prior))
        else:
            self.log_odds = shrunk_shifts(action, happened, weight, anyway, self.assumed, prior)
        rows, more = self._some(happened)
        features, action, happened, weight = features[rows], action[rows], happened[rows], weight[rows] * more
        self.scale = standards(features)
        counts = np.bincount(action, minlength=len(self.assumed))
        self.known = np.flatnonzero(counts >= _FEWEST)
        start = self.log_odds[action] + anyway[rows]
        self.slopes = self._regression(self._design(features, action), happened, weight, start)
        start = start + self._design(features, action) @ self.slopes
        self.trees = boosted(
            self._inputs(features, action),
            happened,
            weight,
            start,
            "binary:logistic",
            self.settings["trees"],
            self.seed,
        )
        return self

    def predict(self, features: np.ndarray, action: int, anyway: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the probability (n) after `action`, of what happens with the log-odds `anyway` (n) without it."""
        which = np.full(len(features), action)
        start = self.log_odds[action] + anyway + self._design(features, which) @ self.slopes
        return self.trees.inplace_predict(self._inputs(features, which), base_margin=start.astype(np.float32))

    def _some(self, happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return as many rows as are learned from, and how many each stands for.

        All rows where it happened are taken; only if it is no rare thing, these are drawn too.
        """
        of, others = np.flatnonzero(happened > 0), np.flatnonzero(happened == 0)
        most, chance = self.settings["maximum_rows"], np.random.default_rng(self.seed)
        kept_of = min(len(of), max(most // 2, most - len(others)))
        kept_others = min(len(others), max(most - kept_of, 1))
        of_stand_for, others_stand_for = len(of) / max(kept_of, 1), len(others) / max(kept_others, 1)
        if kept_others < len(others):
            others = chance.choice(others, kept_others, replace=False)
        if kept_of < len(of):
            of = chance.choice(of, kept_of, replace=False)
        rows = np.sort(np.concatenate([of, others]))
        return rows, np.where(happened[rows] > 0, of_stand_for, others_stand_for)

    def _design(self, features: np.ndarray, action: np.ndarray) -> np.ndarray:
        """Return the columns of the regression: what all actions share, then what is each one's own."""
        shared = standardised(features, self.scale)
        # A column that is halved is shrunk four times as much.
        own = shared * np.sqrt(self.settings["ridge"] / self.settings["own_ridge"])
        return np.hstack([shared, *(own * (action == one)[:, None] for one in self.known)])

    def _regression(
        self, design: np.ndarray, happened: np.ndarray, weight: np.ndarray, start: np.ndarray
    ) -> np.ndarray:
        """Return the slopes by Newton's method; the ridge makes it converge from zero."""
        slopes = np.zeros(design.shape[1])
        ridge = self.settings["ridge"] * np.eye(design.shape[1])
        for _ in range(_TURNS):
            chance = 1 / (1 + np.exp(-(start + design @ slopes)))
            gradient = design.T @ (weight * (happened - chance)) - ridge @ slopes
            curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + ridge
            step = np.linalg.solve(curvature, gradient)
            slopes = slopes + step
            if np.abs(step).max() < _STILL:
                break
        return slopes

    def _inputs(self, features: np.ndarray, action: np.ndarray) -> np.ndarray:
        return with_marks(features, action, len(self.assumed))


def shrunk_means(
    action: np.ndarray, outcome: np.ndarray, weight: np.ndarray, assumed: np.ndarray, prior: float
) -> np.ndarray:
    """Return the mean outcome (k) of each action, which starts with `prior` decisions at what was assumed (k)."""
    count = np.bincount(action, weights=weight, minlength=len(assumed))
    total = np.bincount(action, weights=weight * outcome, minlength=len(assumed))
    return (total + prior * assumed) / (count + prior)


def shrunk_shifts(
    action: np.ndarray, happened: np.ndarray, weight: np.ndarray, anyway: np.ndarray, assumed: np.ndarray, prior: float
) -> np.ndarray:
    """Return the log-odds (k) that each action adds to those with which it happens `anyway` (n).

    Every action starts with `prior` decisions about average customers that added the probability `assumed` (k).
    """
    usual = float(log_odds(np.average(chance_of(anyway), weights=weight) if len(action) else 0.5))
    promised = np.clip(chance_of(usual) + assumed, _RARE, 1 - _RARE)
    shift = np.zeros(len(assumed))
    for _ in range(4 * _TURNS):
        chance, average = chance_of(anyway + shift[action]), chance_of(usual + shift)
        missed = np.bincount(action, weight * (happened - chance), len(assumed)) + prior * (promised - average)
        bent = np.bincount(action, weight * chance * (1 - chance), len(assumed)) + prior * average * (1 - average)
        step = np.clip(missed / bent, -1, 1)
        shift = np.clip(shift + step, -_FARTHEST, _FARTHEST)
        if np.abs(step).max() < _STILL:
            break
    return shift


def chance_of(odds: np.ndarray | float) -> np.ndarray:
    """Return the probabilities of log-odds."""
    return 1 / (1 + np.exp(-np.asarray(odds, dtype=float)))


def log_odds(rate: np.ndarray) -> np.ndarray:
    """Return the log-odds of rates (k)."""
    rate = np.clip(rate, _RARE, 1 - _RARE)
    return np.log(rate / (1 - rate))


def standards(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return centre (d) and spread (d) of the logged features (n, d)."""
    logged = _logged(features)
    with np.errstate(all="ignore"):
        centre, spread = np.nan_to_num(np.nanmean(logged, axis=0)), np.nan_to_num(np.nanstd(logged, axis=0))
    return centre, np.where(spread > 1e-6, spread, 1)


def standardised(features: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return logged features on one scale; a missing one is average, and nothing is farther off than four spreads."""
    centre, spread = scale
    return np.nan_to_num((_logged(features) - centre) / spread).clip(-4, 4)


def with_marks(features: np.ndarray, action: np.ndarray, actions: int) -> np.ndarray:
    """Return the inputs of trees: the features (n, d) and a mark (k) for the action."""
    marks = np.zeros((len(features), actions), dtype=np.float32)
    marks[np.arange(len(features)), action] = 1
    return np.hstack([features.astype(np.float32), marks])


def boosted(
    inputs: np.ndarray,
    outcome: np.ndarray,
    weight: np.ndarray,
    start: np.ndarray,
    objective: str,
    parameters: Mapping[str, Any],
    seed: int,
) -> Any:
    """Return trees that begin where `start` (n) ends."""
    import xgboost

    data = xgboost.DMatrix(inputs, outcome, weight=weight, base_margin=start)
    given = {"tree_method": "hist", "nthread": 1, "seed": seed, "objective": objective, **parameters}
    return xgboost.train(given, data, given.pop("rounds"))


def _logged(features: np.ndarray) -> np.ndarray:
    return np.sign(features) * np.log1p(np.abs(features))
