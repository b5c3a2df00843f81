"""Measure every learner on the same held-out weeks, and ours against each rival."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml import metrics
from ml.comparison import Gain, gains, mean_gain
from ml.frames import as_numbers
from ml.intent import frame as frames
from ml.intent.model import IntentModel, IntentSettings


@dataclass(frozen=True)
class Evaluation:
    """Figures by name for MLflow, and the labels and probabilities by intent and learner for the plots."""

    figures: dict[str, float]
    labels: dict[str, np.ndarray]
    probabilities: dict[str, dict[str, np.ndarray]]


def evaluate(
    frame: pd.DataFrame, test: pd.Series, models: Mapping[str, IntentModel], ours: str, settings: IntentSettings
) -> Evaluation:
    """Evaluate `models` on the rows `test`, per intent and as the mean over intents (macro).

    Names: `<intent>/<learner>/<metric>`, and `<intent>/gain_over_<rival>/<metric>` with `_low` and `_high`.
    """
    figures, labels, probabilities = {}, {}, {}
    for intent in frames.intents_of(frame):
        rows = frames.rows_of(frame, test, intent)
        labels[intent] = frames.label_of(rows, intent)
        probabilities[intent] = {name: _probability(model, rows, intent) for name, model in models.items()}
        for name, probability in probabilities[intent].items():
            for metric, value in metrics.evaluate(labels[intent], probability).items():
                figures[f"{intent}/{name}/{metric}"] = value
    for name in models:
        for metric in ("pr_auc", "roc_auc", "log_loss", "brier", "ece"):
            figures[f"macro/{name}/{metric}"] = float(
                np.mean([figures[f"{intent}/{name}/{metric}"] for intent in labels])
            )
    for rival in [name for name in models if name != ours]:
        for group, by_metric in compare(frame, test, models[ours], models[rival], settings).items():
            for metric, gain in by_metric.items():
                figures |= gain.as_metrics(f"{group}/gain_over_{rival}/{metric}")
    return Evaluation(figures, labels, probabilities)


def compare(
    frame: pd.DataFrame, test: pd.Series, ours: IntentModel, theirs: IntentModel, settings: IntentSettings
) -> dict[str, dict[str, Gain]]:
    """Return the gains of `ours` over `theirs` on the rows `test`, by intent and for `macro`, by metric."""
    everybody = metrics.customer_weights(
        frame.loc[test, "customer_id"].to_numpy(), settings.bootstrap_draws, settings.seed
    )
    found = {}
    for intent in frames.intents_of(frame):
        rows = frames.rows_of(frame, test, intent)
        weights = everybody[:, frame.index[test].get_indexer(rows.index)]
        label = frames.label_of(rows, intent)
        found[intent] = gains(label, _probability(ours, rows, intent), _probability(theirs, rows, intent), weights)
    found["macro"] = {
        metric: mean_gain([found[intent][metric] for intent in frames.intents_of(frame)])
        for metric in ("log_loss", "pr_auc")
    }
    return found


def _probability(model: IntentModel, rows: pd.DataFrame, intent: str) -> np.ndarray:
    return model.probability(intent, as_numbers(rows, model.features))
