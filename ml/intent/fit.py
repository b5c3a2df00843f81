"""Fit the learners of every intent on the train weeks and calibrate them on the validation weeks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ml import learners
from ml.calibration import choose_calibrator
from ml.frames import as_numbers
from ml.intent import frame as frames
from ml.intent.model import IntentModel, IntentSettings
from ml.splits import TimeSplit

OURS = "xgboost"
BASELINE = "recency_frequency"
RIVALS = (BASELINE, "logistic")


@dataclass(frozen=True)
class Fitted:
    """The fitted model of each learner and, by `<intent>/<method>`, the log-loss that chose XGBoost's calibration."""

    models: dict[str, IntentModel]
    calibration_losses: dict[str, float]


def fit(frame: pd.DataFrame, split: TimeSplit, settings: IntentSettings) -> Fitted:
    """Fit XGBoost and its rivals; all are calibrated by the same rule, so that no one loses by a poorer treatment."""
    features = frames.features_of(frame)
    absent = sorted({name for names in settings.recency_frequency.values() for name in names} - set(frame))
    if absent:
        raise ValueError(f"intent.yml names {', '.join(absent)} under recency_frequency, but there is no such feature.")
    models, losses = {}, {}
    for name in (OURS, *RIVALS):
        pipelines, calibrators, base_rates = {}, {}, {}
        for intent in frames.intents_of(frame):
            learner = _learner(name, intent, features, settings)
            train = frames.rows_of(frame, split.train, intent)
            label = frames.label_of(train, intent)
            pipelines[intent] = learners.fit(learner, as_numbers(train, features), label)
            base_rates[intent] = float(label.mean())
            rest = frames.rows_of(frame, split.validation, intent)
            calibrators[intent], tried = choose_calibrator(
                pipelines[intent].predict_proba(as_numbers(rest, features))[:, 1],
                frames.label_of(rest, intent),
                _halves(rest["as_of_date"]),
            )
            if name == OURS:
                losses |= {f"{intent}/{method}": loss for method, loss in tried.items()}
        models[name] = IntentModel(name, features, pipelines, calibrators, base_rates)
    return Fitted(models, losses)


def _learner(name: str, intent: str, features: list[str], settings: IntentSettings) -> Pipeline:
    if name == OURS:
        return learners.xgboost(features, {"random_state": settings.seed, **settings.xgboost})
    if name == BASELINE:
        known = settings.recency_frequency
        features = [feature for feature in known.get(intent, known["default"]) if feature in features]
    return learners.logistic(features)


def _halves(day: pd.Series) -> np.ndarray:
    """Tell the earlier half of the weeks from the later one."""
    days = day.drop_duplicates().sort_values()
    return (day > days.iloc[(len(days) - 1) // 2]).to_numpy()
