"""Measure a message model on later messages: all together, by language and by channel, and against another model."""

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score, roc_auc_score

from ml import metrics
from ml.comparison import Gain
from ml.messages.encoders import remembering
from ml.messages.language import languages_of
from ml.messages.model import MessageModel, MessageSettings

_FEWEST = 30  # messages of a group; a share of fewer says nothing


def evaluate(
    model: MessageModel, train: pd.DataFrame, test: pd.DataFrame, settings: MessageSettings
) -> dict[str, float]:
    """Return figures by name, for MLflow. Labels are the agents', so that a right answer may count as wrong.

    `gain_over_prior` is over the shares of the intents in `train`, the least that a model must beat.
    """
    inside = test[test["label"] != settings.out_of_scope_label]
    reading = model.read(inside["text"].tolist(), thorough=True)
    is_right, answered = reading.top == inside["label"].to_numpy(object), ~reading.abstained
    found = {
        "accuracy": float(is_right.mean()),
        "macro_f1": float(f1_score(inside["label"], reading.top.astype(str), average="macro")),
        "ece": metrics.expected_calibration_error(is_right.astype(int), reading.probabilities.max(axis=1)),
        "automated": float(answered.mean()),
        "automated_disagreement": float((~is_right[answered]).mean()) if answered.any() else 0.0,
        "in_scope_kept": float(reading.is_in_scope.mean()),
    }
    strange = test.loc[test["label"] == settings.out_of_scope_label, "text"].tolist()
    if strange:
        outside = model.read(strange, thorough=True)
        scores = np.concatenate([reading.scope_score, outside.scope_score])
        found["oos_auroc"] = float(roc_auc_score(np.repeat([1, 0], [len(inside), len(strange)]), scores))
        found["oos_handed_over"] = float(outside.abstained.mean())
    groups = {"language": languages_of(inside["text"].tolist()), "channel": inside["channel"].to_numpy(object)}
    for kind, values in groups.items():
        for value in sorted({value for value in values if value}):
            if (values == value).sum() >= _FEWEST:
                found[f"{kind}/{value}/accuracy"] = float(is_right[values == value].mean())
    shares = train["label"].value_counts(normalize=True).reindex(model.intents).fillna(0)
    prior = np.tile(shares.to_numpy(), (len(inside), 1))
    losses = row_losses(model.intents, prior, inside) - row_losses(model.intents, reading.probabilities, inside)
    return found | gain_of(losses, inside, settings).as_metrics("gain_over_prior/log_loss")


def compare(ours: MessageModel, theirs: MessageModel, test: pd.DataFrame, settings: MessageSettings) -> Gain:
    """Return the gain of `ours` over `theirs` in log-loss on labelled messages in scope."""
    inside = test[test["label"] != settings.out_of_scope_label]
    with remembering():
        losses = [
            row_losses(model.intents, model.read(inside["text"].tolist(), thorough=True).probabilities, inside)
            for model in (theirs, ours)
        ]
    return gain_of(losses[0] - losses[1], inside, settings)


def row_losses(intents: list[str], probabilities: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Return the negative log-likelihood of each label (n); a label that the model does not know costs the most."""
    place = {intent: number for number, intent in enumerate(intents)}
    numbers = rows["label"].map(place)
    told = np.where(numbers.notna(), probabilities[np.arange(len(rows)), numbers.fillna(0).to_numpy(dtype=int)], 0.0)
    return metrics.row_log_loss(np.ones(len(rows)), told)


def gain_of(differences: np.ndarray, rows: pd.DataFrame, settings: MessageSettings) -> Gain:
    """Return the mean of the differences (n) with its interval by customer; who is not known stands for himself."""
    people = rows["customer_id"].fillna(rows["message_id"]).to_numpy(dtype=str)
    weights = metrics.customer_weights(people, settings.bootstrap_draws, settings.seed)
    return Gain.of(float(differences.mean()), weights @ differences / weights.sum(axis=1))
