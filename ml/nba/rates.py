"""P(something follows | customer, action), for all actions together: a regression first, trees on what it leaves.

Answers are rare, so each layer starts from the one before it: the rate of the action shrunk to what was assumed, a
logistic regression whose slopes are shared by the actions and own to each, both shrunk to zero, then XGBoost.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

_RARE = 1e-4  # log-odds of a rate stay finite
_FEWEST = 30  # decisions from which an action gets slopes of its own
_TURNS, _STILL = 12, 1e-3


class Rates:
    """Fitted on n decisions among k actions; `settings` holds prior_contacts, maximum_rows, ridge, own_ridge, trees."""

    def __init__(self, assumed: np.ndarray, settings: Mapping[str, Any], seed: int) -> None:
        self.assumed, self.settings, self.seed = assumed, settings, seed

    def fit(self, features: np.ndarray, action: np.ndarray, happened: np.ndarray, weight: np.ndarray) -> "Rates":
        """Learn from features (n, d), the action (n), whether it happened (n) and how much each counts (n)."""
        self.log_odds = log_odds(shrunk_means(action, happened, weight, self.assumed, self.settings["prior_contacts"]))
        rows, more = self._some(happened)
        features, action, happened, weight = features[rows], action[rows], happened[rows], weight[rows] * more
        self.scale = standards(features)
        counts = np.bincount(action, minlength=len(self.assumed))
        self.known = np.flatnonzero(counts >= _FEWEST)
        start = self.log_odds[action]
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

    def predict(self, features: np.ndarray, action: int) -> np.ndarray:
        """Return the probability (n) after `action`."""
        which = np.full(len(features), action)
        start = self.log_odds[action] + self._design(features, which) @ self.slopes
        return self.trees.inplace_predict(self._inputs(features, which), base_margin=start.astype(np.float32))

    def _some(self, happened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all rows where it happened and as many others as are learned from, and how many each stands for."""
        of, others = np.flatnonzero(happened > 0), np.flatnonzero(happened == 0)
        most = max(self.settings["maximum_rows"] - len(of), 1)
        stands_for = 1.0
        if len(others) > most:
            stands_for = len(others) / most
            others = np.random.default_rng(self.seed).choice(others, most, replace=False)
        rows = np.sort(np.concatenate([of, others]))
        return rows, np.where(happened[rows] > 0, 1.0, stands_for)

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
