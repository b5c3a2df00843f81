"""The pictures of one training run of the response model, as MLflow shows them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ml import figures
from ml.nba.evaluate import Evaluation
from ml.nba.fit import Fitted


def plots(rows: pd.DataFrame, evaluation: Evaluation, fitted: Fitted) -> Iterator[tuple[str, Figure]]:
    """Yield (artifact name, figure): overview by action, reliability, PR curve, and importance of the trees."""
    scores, rates = _by_action(rows, evaluation)
    yield "plots/overview.png", figures.overview("Response on held-out campaigns", scores, rates)
    held_out = evaluation.label, evaluation.probabilities
    yield "plots/reliability.png", figures.reliability("Does it keep its promise?", *held_out)
    yield "plots/precision_recall.png", figures.precision_recall("Held-out campaigns", *held_out)
    pipeline = fitted.models["xgboost"].pipeline
    names, gain = (
        pipeline.named_steps["columns"].get_feature_names_out(),
        pipeline.named_steps["learner"].feature_importances_,
    )
    yield "plots/importance.png", figures.importance("What the trees look at", list(names), gain)


def _by_action(rows: pd.DataFrame, evaluation: Evaluation) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    from sklearn.metrics import average_precision_score

    action = rows["action_id"].to_numpy()
    shown = [name for name in np.unique(action) if evaluation.label[action == name].any()]
    scores = {
        learner: {
            name: float(average_precision_score(evaluation.label[action == name], probability[action == name]))
            for name in shown
        }
        for learner, probability in evaluation.probabilities.items()
    }
    return scores, {name: float(evaluation.label[action == name].mean()) for name in shown}
