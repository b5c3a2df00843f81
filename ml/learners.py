"""The learners that are compared: XGBoost, a logistic regression on the same features, and simple baselines.

Each is a pipeline with its preprocessing inside, so that a fitted one takes the frame of features as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

ACTION = "action_id"


def signed_log(values: Any) -> Any:
    """Compress long tails on both sides of zero: money and counts spread over several powers of ten."""
    return np.sign(values) * np.log1p(np.abs(values))


def xgboost(features: Sequence[str], parameters: Mapping[str, Any], with_action: bool = False) -> Pipeline:
    """Gradient-boosted trees; missing values stay missing, the trees find out what that means."""
    from xgboost import XGBClassifier

    return Pipeline(
        [("columns", _columns("passthrough", features, with_action)), ("learner", XGBClassifier(**parameters))]
    )


def logistic(features: Sequence[str], with_action: bool = False) -> Pipeline:
    """Logistic regression on logged, standardised features; a missing value is the median plus a flag."""
    prepared = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        FunctionTransformer(signed_log, feature_names_out="one-to-one"),
        StandardScaler(),
    )
    # C = 0.1: on 25 correlated features a little shrinking helps, and the value hardly matters above 0.01.
    return Pipeline(
        [("columns", _columns(prepared, features, with_action)), ("learner", LogisticRegression(C=0.1, max_iter=500))]
    )


class ActionBaseRate(ClassifierMixin, BaseEstimator):
    """The response rate of each action, shrunk to the overall rate: knows nothing about the customer.

    `prior_contacts` is how many contacts at the overall rate each action starts with.
    """

    def __init__(self, prior_contacts: float = 50.0) -> None:
        self.prior_contacts = prior_contacts

    def fit(self, frame: pd.DataFrame, label: pd.Series) -> "ActionBaseRate":
        """Fit on the column `action_id` of `frame` and labels 0/1."""
        self.classes_ = np.array([0, 1])
        self.overall_ = float(np.mean(label))
        seen = pd.Series(np.asarray(label)).groupby(frame[ACTION].to_numpy()).agg(["sum", "size"])
        rate = (seen["sum"] + self.prior_contacts * self.overall_) / (seen["size"] + self.prior_contacts)
        self.rates_ = {str(action): float(value) for action, value in rate.items()}
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return probabilities (n, 2); an action without history has the overall rate."""
        rate = frame[ACTION].map(self.rates_).fillna(self.overall_).to_numpy(dtype=float)
        return np.column_stack([1 - rate, rate])


def fit(pipeline: Any, frame: pd.DataFrame, label: np.ndarray) -> Any:
    """Fit on one thread: on shared cores the linear-algebra threads of a regression wait for each other."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return pipeline.fit(frame, label)


def _columns(numeric: Any, features: Sequence[str], with_action: bool) -> ColumnTransformer:
    steps = [("numeric", numeric, list(features))]
    if with_action:
        steps.append(("action", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [ACTION]))
    return ColumnTransformer(steps, verbose_feature_names_out=False)
