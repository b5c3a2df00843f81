"""Measure the candidates for the response model on the same held-out campaigns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml import metrics
from ml.comparison import Gain, gains
from ml.nba.fit import BASE_RATE
from ml.nba.model import NbaSettings, ResponseModel


@dataclass(frozen=True)
class Evaluation:
    """Figures by name for MLflow, the labels, and the probabilities by learner for the plots."""

    figures: dict[str, float]
    label: np.ndarray
    probabilities: dict[str, np.ndarray]


def evaluate(rows: pd.DataFrame, models: Mapping[str, ResponseModel], chosen: str, settings: NbaSettings) -> Evaluation:
    """Evaluate `models` on the held-out `rows`: `response/<learner>/<metric>` and the gains over the base rate.

    `response/gain_over_action_base_rate/...` is of the chosen learner, `<learner>/gain_over_...` of each other one.
    """
    label = rows["responded"].to_numpy(dtype=int)
    probabilities = {name: model.predict_proba(rows) for name, model in models.items()}
    figures = {
        f"response/{name}/{metric}": value
        for name, probability in probabilities.items()
        for metric, value in metrics.evaluate(label, probability).items()
    }
    for name in models:
        if name != BASE_RATE:
            for metric, gain in compare(rows, models[name], models[BASE_RATE], settings).items():
                figures |= gain.as_metrics(f"{name}/gain_over_{BASE_RATE}/{metric}")
    for metric, gain in compare(rows, models[chosen], models[BASE_RATE], settings).items():
        figures |= gain.as_metrics(f"response/gain_over_{BASE_RATE}/{metric}")
    return Evaluation(figures, label, probabilities)


def compare(rows: pd.DataFrame, ours: ResponseModel, theirs: ResponseModel, settings: NbaSettings) -> dict[str, Gain]:
    """Return the gains of `ours` over `theirs` on `rows`, by metric."""
    weights = metrics.customer_weights(rows["customer_id"].to_numpy(), settings.bootstrap_draws, settings.seed)
    label = rows["responded"].to_numpy(dtype=int)
    return gains(label, ours.predict_proba(rows), theirs.predict_proba(rows), weights)
