"""Why a score is as it is: the three features that moved it most, in plain words.

Contributions are SHAP values in log-odds: of trees by TreeSHAP (Lundberg et al., Nature Machine Intelligence 2, 2020),
of a regression exactly coefficient times standardised value. A calibrator is monotone, so their order holds.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from ml.intent.model import IntentModel

REASONS = 3
_INDICATOR = "missingindicator_"


def contributions(model: IntentModel, intent: str, numbers: pd.DataFrame) -> np.ndarray:
    """Return what each feature adds to the log-odds of `intent` (n, features), in the order of model.features."""
    pipeline = model.pipelines[intent]
    columns, learner = pipeline.named_steps["columns"], pipeline.named_steps["learner"]
    prepared = columns.transform(numbers[model.features])
    if hasattr(learner, "get_booster"):
        from xgboost import DMatrix

        parts = learner.get_booster().predict(DMatrix(np.asarray(prepared)), pred_contribs=True)[:, :-1]
    else:
        parts = np.asarray(prepared) * learner.coef_[0]
    place = {name: number for number, name in enumerate(model.features)}
    found = np.zeros((len(numbers), len(model.features)))
    for name, part in zip(columns.get_feature_names_out(), np.asarray(parts).T, strict=True):
        found[:, place[name.removeprefix(_INDICATOR)]] += part
    return found


def reasons(model: IntentModel, intent: str, numbers: pd.DataFrame, words: pd.DataFrame) -> list[str]:
    """Return per row a JSON list of the three strongest reasons, the strongest first.

    Each has `feature`, `value` (None if unknown), `contribution` in log-odds and the words in English and German.
    `words` is vocabulary.feature_words. A feature without words, or without any effect, is no reason.
    """
    known = words.set_index("feature")
    moved = contributions(model, intent, numbers)
    moved[:, ~np.isin(model.features, known.index)] = 0
    strongest = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :REASONS]
    values = numbers[model.features].to_numpy()
    found = []
    for row, best in enumerate(strongest):
        told = [_told(model.features[at], values[row, at], moved[row, at], known) for at in best if moved[row, at]]
        found.append(json.dumps(told, ensure_ascii=False))
    return found


def _told(feature: str, value: float, contribution: float, known: pd.DataFrame) -> dict[str, Any]:
    line, is_known = known.loc[feature], not np.isnan(value)
    number = float(round(value, 2)) if is_known else None
    return {
        "feature": feature,
        "value": number,
        "contribution": round(float(contribution), 4),
        "en": _words(line["words_en"], line["unknown_en"], number) + (" (for)" if contribution > 0 else " (against)"),
        "de": _words(line["words_de"], line["unknown_de"], number, ",")
        + (" (dafür)" if contribution > 0 else " (dagegen)"),
    }


def _words(told: str, unknown: str, number: float | None, point: str = ".") -> str:
    if number is None:
        return unknown
    return told.replace("{value}", f"{number:g}".replace(".", point)).replace("{percent}", f"{100 * number:.0f}")
