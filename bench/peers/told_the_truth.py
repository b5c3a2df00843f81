"""How far the features reach: a learner that is told the true chances, of which everybody else sees one draw each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold
from xgboost import XGBRegressor

FOLDS = 5
# The chances are told without the noise of outcomes, so larger trees do not overfit them.
LARGER = {"n_estimators": 400, "max_depth": 6}


def reachable(numbers: pd.DataFrame, chance: np.ndarray, customer: pd.Series, xgboost: Mapping[str, Any]) -> np.ndarray:
    """Return E[chance | features] by row (n), in (0, 1): XGBoost on the true chances (n, in [0, 1]), cross-fitted.

    No customer teaches the rows it is judged by. What separates these from the chances themselves is known to nobody
    who sees the features; what separates a learner of outcomes from these is what more rows or a better learner give.
    """
    found = np.empty(len(numbers))
    for teaching, judged in GroupKFold(FOLDS).split(numbers, groups=customer):
        learner = XGBRegressor(objective="reg:logistic", **{**xgboost, **LARGER})
        learner.fit(numbers.iloc[teaching], chance[teaching])
        found[judged] = learner.predict(numbers.iloc[judged])
    return found
