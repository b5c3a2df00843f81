"""The T-learner that tutorials show: one XGBoost per arm on raw outcomes, with the package's default settings."""

import numpy as np


def t_learner(features: np.ndarray, action: np.ndarray, outcome: np.ndarray, arms: int, new: np.ndarray) -> np.ndarray:
    """Return the arm (m) of the largest foretold outcome for `new` customers (m, d)."""
    from xgboost import XGBRegressor

    foretold = [
        XGBRegressor(n_jobs=1).fit(features[action == arm], outcome[action == arm]).predict(new) for arm in range(arms)
    ]
    return np.column_stack(foretold).argmax(axis=1)
