"""Fit the candidates for the response model and choose one by how well it foretells campaigns it has not seen."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from ml import learners
from ml.calibration import choose_calibrator
from ml.nba import frame as frames
from ml.nba.model import NbaSettings, ResponseModel
from ml.splits import NotEnoughHistory

BASE_RATE = "action_base_rate"


@dataclass(frozen=True)
class Fitted:
    """The fitted candidates, the name of the chosen one, the log-loss that chose it, and on how many rows."""

    models: dict[str, ResponseModel]
    chosen: str
    foretold_losses: dict[str, float]
    foretold: np.ndarray


def fit(frame: pd.DataFrame, settings: NbaSettings) -> Fitted:
    """Fit XGBoost, logistic regression and the base rate of each action on `frame`, and choose by log-loss.

    `frame` holds the campaigns before the held-out ones. Calibration and choice use only probabilities that were
    foretold: by a learner fitted on the campaigns that had ended when this one started, and calibrated on the others.
    Raises NotEnoughHistory if fewer than two campaigns can be foretold.
    """
    features = frames.features_of(frame)
    candidates = {
        BASE_RATE: learners.ActionBaseRate(),
        "logistic": learners.logistic(features, with_action=True),
        "xgboost": learners.xgboost(features, {"random_state": settings.seed, **settings.xgboost}, with_action=True),
    }
    inputs, label = ResponseModel.inputs(frame, features), frame["responded"].to_numpy(dtype=int)
    campaign = frame["campaign_id"].to_numpy()
    models, losses = {}, {}
    for name, learner in candidates.items():
        score = foretell(learner, frame, inputs, label, settings)
        known = ~np.isnan(score)
        if len(np.unique(campaign[known])) < 2:
            raise NotEnoughHistory("Fewer than two ended campaigns can be foretold from earlier ones.")
        calibrator, tried = choose_calibrator(score[known], label[known], campaign[known])
        losses[name] = min(tried.values())
        models[name] = ResponseModel(name, features, learners.fit(clone(learner), inputs, label), calibrator)
    return Fitted(models, min(losses, key=losses.__getitem__), losses, known)


def foretell(
    learner: Any, frame: pd.DataFrame, inputs: pd.DataFrame, label: np.ndarray, settings: NbaSettings
) -> np.ndarray:
    """Return the score of each row (n) by `learner` fitted on the campaigns that had ended when the row's one started.

    More than `foretold_parts` starts are foretold in as many parts, each from what had ended when its first one
    started. Missing where the past held fewer than `minimum_responses` responses.
    """
    score = np.full(len(frame), np.nan)
    starts = np.sort(frame["starts_date"].unique())
    for part in np.array_split(starts, min(len(starts), settings.foretold_parts)):
        past = (frame["ends_date"] <= part[0]).to_numpy()
        if label[past].sum() >= settings.minimum_responses:
            now = frame["starts_date"].isin(part).to_numpy()
            score[now] = learners.fit(clone(learner), inputs[past], label[past]).predict_proba(inputs[now])[:, 1]
    return score
