"""What each action would have brought, foretold by a model that has not seen the decision's customer.

The doubly-robust estimate is right with any reward model, as the propensities are known; a good one makes it precise.
Four are foretold (means, regression, trees, and the last two averaged); the one with the smallest squared error on what
was drawn serves every estimate. Taking the one with the smallest standard error instead picks those that happen to have
missed the heavy decisions: normal intervals of differences covered 0.895 instead of 0.950 (200 worlds, 5,000 logs).
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ml.ope.log import Log
from ml.ope.settings import OpeSettings


class RewardModel(Protocol):
    """Fitted on a log, foretells the reward (n, k) of every action from the features (n, d)."""

    def fit(self, log: Log) -> "RewardModel": ...

    def predict(self, features: np.ndarray | None, size: int) -> np.ndarray: ...


class ActionMeans:
    """The mean reward of each action, shrunk to that of all: knows nothing about the customer."""

    def __init__(self, shrinkage: float) -> None:
        self.shrinkage = shrinkage

    def fit(self, log: Log) -> "ActionMeans":
        counts = np.bincount(log.action, minlength=log.actions)
        sums = np.bincount(log.action, weights=log.reward, minlength=log.actions)
        self.means = (sums + self.shrinkage * log.reward.mean()) / (counts + self.shrinkage)
        return self

    def predict(self, features: np.ndarray | None, size: int) -> np.ndarray:
        return np.tile(self.means, (size, 1))


class Ridge:
    """A regression for all actions together, and one for each action on what that leaves; closed-form.

    Features are standardised, missing ones are the mean.
    """

    def __init__(self, shrinkage: float, penalty: float) -> None:
        self.means = ActionMeans(shrinkage)
        self.penalty = penalty

    def fit(self, log: Log) -> "Ridge":
        self.means.fit(log)
        self.centre = np.nan_to_num(np.nanmean(log.features, axis=0))
        spread = np.nan_to_num(np.nanstd(log.features, axis=0))
        self.scale = np.where(spread > 0, spread, 1)
        known = self._standardised(log.features)
        left = log.reward - self.means.means[log.action]
        self.shared = self._solve(known, left)
        left = left - known @ self.shared
        self.own = np.zeros((known.shape[1], log.actions))
        for action in np.unique(log.action):
            rows = log.action == action
            self.own[:, action] = self._solve(known[rows], left[rows])
        return self

    def predict(self, features: np.ndarray | None, size: int) -> np.ndarray:
        known = self._standardised(features)
        return self.means.predict(None, size) + (known @ self.shared)[:, None] + known @ self.own

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return np.nan_to_num((features - self.centre) / self.scale)

    def _solve(self, known: np.ndarray, left: np.ndarray) -> np.ndarray:
        return np.linalg.solve(known.T @ known + self.penalty * np.eye(known.shape[1]), known.T @ left)


class Trees:
    """XGBoost on the features, the mean reward of the action and the action itself."""

    def __init__(self, shrinkage: float, parameters: dict[str, Any], seed: int) -> None:
        self.means = ActionMeans(shrinkage)
        self.parameters = {**parameters, "random_state": seed}

    def fit(self, log: Log) -> "Trees":
        from xgboost import XGBRegressor

        self.means.fit(log)
        self.actions = log.actions
        base = self.means.means[log.action]
        self.learner = XGBRegressor(**self.parameters, base_score=0.0)
        self.learner.fit(self._inputs(log.features, log.action), log.reward - base)
        return self

    def predict(self, features: np.ndarray | None, size: int) -> np.ndarray:
        found = self.means.predict(None, size)
        inputs = self._inputs(features, np.zeros(size, dtype=int))
        width = features.shape[1]
        booster = self.learner.get_booster()
        for action in range(self.actions):
            inputs[:, width:] = 0
            self._mark(inputs, width, np.full(size, action))
            found[:, action] += booster.inplace_predict(inputs)
        return found

    def _inputs(self, features: np.ndarray, action: np.ndarray) -> np.ndarray:
        width = features.shape[1]
        inputs = np.zeros((len(features), width + 1 + self.actions), dtype=np.float32)
        inputs[:, :width] = features
        self._mark(inputs, width, action)
        return inputs

    def _mark(self, inputs: np.ndarray, width: int, action: np.ndarray) -> None:
        inputs[:, width] = self.means.means[action]
        inputs[np.arange(len(inputs)), width + 1 + action] = 1


def learners(log: Log, settings: OpeSettings) -> dict[str, RewardModel]:
    """Return the models that a log can feed; without features only the means."""
    given = settings.reward_model
    if log.features is None or log.features.shape[1] == 0:
        return {"action_means": ActionMeans(given["shrinkage"])}
    return {
        "action_means": ActionMeans(given["shrinkage"]),
        "ridge": Ridge(given["shrinkage"], given["ridge"]),
        "xgboost": Trees(given["shrinkage"], given["xgboost"], settings.seed),
    }


@dataclass(frozen=True)
class Foretold:
    """The reward (n, k) of every action by the model named `learner`; `errors`: mean squared error by model."""

    rewards: np.ndarray
    learner: str
    errors: dict[str, float]


def cross_fit(log: Log, settings: OpeSettings) -> Foretold:
    """Foretell the reward of every action, each row by a model fitted without its customer.

    Raises ValueError if there are fewer customers than folds.
    """
    fold = folds(log, settings)
    found = {name: np.empty((len(log), log.actions)) for name in learners(log, settings)}
    for number in range(settings.folds):
        held = fold == number
        if not held.any() or held.all():
            raise ValueError(f"{len(log)} decisions of too few customers for {settings.folds} folds.")
        seen = log.part(_some(np.flatnonzero(~held), settings))
        features = None if log.features is None else log.features[held]
        for name, learner in learners(seen, settings).items():
            found[name][held] = learner.fit(seen).predict(features, int(held.sum()))
    if "xgboost" in found:
        found["average"] = (found["ridge"] + found["xgboost"]) / 2
    drawn = np.arange(len(log)), log.action
    errors = {name: float(np.mean((log.reward - rewards[drawn]) ** 2)) for name, rewards in found.items()}
    best = min(errors, key=errors.__getitem__)
    return Foretold(found[best], best, errors)


def folds(log: Log, settings: OpeSettings) -> np.ndarray:
    """Return the fold (n) of each decision; all decisions of a customer are in one."""
    who = np.arange(len(log)) if log.customer is None else np.unique(log.customer, return_inverse=True)[1]
    order = np.random.default_rng(settings.seed).permutation(who.max() + 1)
    return (order % settings.folds)[who]


def _some(rows: np.ndarray, settings: OpeSettings) -> np.ndarray:
    """Return `rows`, or as many of them at random as a model learns from."""
    most = settings.reward_model["maximum_rows"]
    return rows if len(rows) <= most else np.random.default_rng(settings.seed).choice(rows, most, replace=False)
