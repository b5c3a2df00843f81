"""Learn for whom which arm brings more than leaving them alone, and whether to tell people apart at all."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ml.ope.interval import mean_interval
from ml.ope.log import Log
from ml.ope.settings import OpeSettings
from ml.uplift.outcomes import pseudo_outcomes
from ml.uplift.settings import UpliftSettings

SINGLE = "single_arm"


class UpliftModel(Protocol):
    """Fitted on features (n, d) and pseudo-uplifts (n, k), foretells the uplift (n, k) of every arm over control."""

    def fit(self, features: np.ndarray, uplift: np.ndarray) -> "UpliftModel": ...

    def predict(self, features: np.ndarray) -> np.ndarray: ...


class SingleArm:
    """The mean uplift of each arm: everybody is treated alike, with the best of them."""

    def fit(self, features: np.ndarray, uplift: np.ndarray) -> "SingleArm":
        self.means = uplift.mean(axis=0)
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.tile(self.means, (len(features), 1))


class RidgeUplift:
    """A ridge regression of the pseudo-uplift of each arm on standardised features; missing ones are the mean."""

    def __init__(self, penalties: list[float]) -> None:
        self.penalties = penalties

    def fit(self, features: np.ndarray, uplift: np.ndarray) -> "RidgeUplift":
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import RidgeCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.arms = uplift.shape[1]
        self.learners = {
            arm: make_pipeline(
                SimpleImputer(keep_empty_features=True), StandardScaler(), RidgeCV(alphas=self.penalties)
            ).fit(features, uplift[:, arm])
            for arm in range(self.arms)
            if uplift[:, arm].any()
        }
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return _by_arm(self.learners, features, self.arms)


class TreeUplift:
    """XGBoost on the pseudo-uplift of each arm."""

    def __init__(self, settings: UpliftSettings) -> None:
        self.parameters = {**settings.xgboost, "random_state": settings.seed}

    def fit(self, features: np.ndarray, uplift: np.ndarray) -> "TreeUplift":
        from xgboost import XGBRegressor

        self.arms = uplift.shape[1]
        self.learners = {
            arm: XGBRegressor(**self.parameters, base_score=float(uplift[:, arm].mean())).fit(features, uplift[:, arm])
            for arm in range(self.arms)
            if uplift[:, arm].any()
        }
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        return _by_arm(self.learners, features, self.arms)


@dataclass(frozen=True)
class Learned:
    """The fitted models by name, the chosen one, and by name the out-of-fold gain over the best single arm.

    `gains` are (mean, standard error) per customer in the unit of the outcome.
    """

    models: dict[str, UpliftModel]
    chosen: str
    gains: dict[str, tuple[float, float]]

    def uplift(self, features: np.ndarray) -> np.ndarray:
        """Return the foretold uplift (n, k) by the chosen model; 0 for control."""
        return self.models[self.chosen].predict(features)


def candidates(settings: UpliftSettings) -> dict[str, UpliftModel]:
    """Return the learners that are tried, unfitted."""
    return {
        SINGLE: SingleArm(),
        "ridge": RidgeUplift(settings.ridge_penalties),
        "xgboost": TreeUplift(settings),
    }


def learn(log: Log, control: int, settings: UpliftSettings, nuisance: OpeSettings) -> Learned:
    """Fit every learner on `log` and choose by out-of-fold policy value.

    A learner that tells customers apart has to beat the best single arm by more than one standard error of the
    difference (Breiman et al., "Classification and Regression Trees", 1984: the simpler one wins a draw).
    """
    outcome = pseudo_outcomes(log, nuisance)
    uplift = outcome - outcome[:, [control]]
    fold = np.random.default_rng(settings.seed).permutation(len(log)) % settings.folds
    foretold = {name: np.empty(uplift.shape) for name in candidates(settings)}
    for number in range(settings.folds):
        held = fold == number
        for name, learner in candidates(settings).items():
            foretold[name][held] = learner.fit(log.features[~held], uplift[~held]).predict(log.features[held])
    rows = np.arange(len(log))
    earned = {name: outcome[rows, best_arm(found)] for name, found in foretold.items()}
    gains = {}
    for name, values in earned.items():
        found = mean_interval(values - earned[SINGLE], log.customer)
        gains[name] = (found.estimate, found.standard_error)
    chosen = max(gains, key=lambda name: gains[name][0] - gains[name][1])
    models = {name: learner.fit(log.features, uplift) for name, learner in candidates(settings).items()}
    return Learned(models, chosen, gains)


def best_arm(uplift: np.ndarray) -> np.ndarray:
    """Return the arm (n) of the largest uplift (n, k); control's is 0, so nobody gets what would harm them."""
    return uplift.argmax(axis=1)


def _by_arm(learners: dict[int, object], features: np.ndarray, arms: int) -> np.ndarray:
    found = np.zeros((len(features), arms))
    for arm, learner in learners.items():
        found[:, arm] = learner.predict(features)
    return found
