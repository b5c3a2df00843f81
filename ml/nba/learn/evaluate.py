"""Was what the challenger foretells what happened? On the decisions after all that it learned from, by action."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml import metrics
from ml.nba.drift import misses
from ml.nba.learn.answered import outcomes_of
from ml.nba.learn.values import LearnedValues
from ml.nba.policy import NO_ACTION

ANYWAY = "without_action"


@dataclass(frozen=True)
class Evaluation:
    """Figures by name for MLflow, a line per action, the labels, and the probabilities by learner for the plots."""

    figures: dict[str, float]
    by_action: pd.DataFrame
    label: np.ndarray
    probabilities: dict[str, np.ndarray]


def evaluate(rows: pd.DataFrame, values: LearnedValues) -> Evaluation:
    """Compare what was foretold of the drawn actions with what happened on held-out `rows` (as `answered` gives them).

    `response/<learner>/<metric>`: of the purchase within the window, by the model and by what it foretells without any
    action; `calibration/<action>/...`: shares foretold and seen, margins in EUR, and by how many standard errors the
    responses miss the forecast.
    """
    rows = rows[rows["action_id"].isin([NO_ACTION, *values.known])].reset_index(drop=True)
    column = pd.Index(values.actions).get_indexer(rows["action_id"])
    drawn = np.arange(len(rows)), column
    added, worth, _ = values.foretell(rows)
    anyway, _ = values.foretell_anyway(rows)
    is_nothing = (rows["action_id"] == NO_ACTION).to_numpy()
    foretold = np.clip(anyway + np.where(is_nothing, 0.0, added[drawn]), 0, 1)
    followed = outcomes_of(rows, values.margin)
    label = followed.responded.astype(int)
    probabilities = {"net_value": foretold, ANYWAY: np.clip(anyway, 0, 1)}
    figures = {
        f"response/{name}/{metric}": value
        for name, probability in probabilities.items()
        for metric, value in metrics.evaluate(label, probability).items()
    }
    missed = misses(column, followed.responded, foretold, len(values.actions), 0.0)
    by_action = pd.DataFrame(
        {
            "action_id": rows["action_id"],
            "foretold_response": foretold,
            "happened_response": followed.responded,
            "foretold_margin_eur": foretold * worth[drawn],
            "happened_margin_eur": followed.margin_eur,
        }
    )
    by_action = by_action.groupby("action_id").mean().assign(decisions=rows["action_id"].value_counts())
    by_action["miss_z"] = [float(missed[values.actions.index(action)]) for action in by_action.index]
    for action, line in by_action.iterrows():
        figures |= {f"calibration/{action}/{name}": float(line[name]) for name in by_action}
    return Evaluation(figures, by_action, label, probabilities)
