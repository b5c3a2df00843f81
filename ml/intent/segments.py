"""Is the model as good for every kind of customer? Figures by segment, so that no group is left far behind unseen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml import metrics
from ml.frames import as_numbers
from ml.intent import frame as frames
from ml.intent.model import IntentModel

# Of fewer rows or outcomes a difference says nothing.
_FEWEST_ROWS, _FEWEST_ONES = 200, 20


def segment_of(rows: pd.DataFrame, feature: str, edges: Sequence[float]) -> pd.Series:
    """Name the segment of each row: "below 84", "84 to 168", "168 and above", or "unknown"."""
    names = [f"below {edges[0]:g}"]
    names += [f"{low:g} to {high:g}" for low, high in zip(edges, edges[1:], strict=False)]
    names += [f"{edges[-1]:g} and above"]
    values = rows[feature].astype(float)
    place = np.searchsorted(np.asarray(edges, dtype=float), values.fillna(edges[0]).to_numpy(), side="right")
    return pd.Series(np.array(names, dtype=object)[place], index=rows.index).mask(values.isna(), "unknown")


def by_segment(
    frame: pd.DataFrame, part: pd.Series, model: IntentModel, segments: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    """Return `segment/<name>/<group>/<metric>`, the mean over intents, of pr_auc_lift, log_loss_gain, ece and rows.

    Groups differ in how often things happen, so both are over the group's own base rate: average precision divided by
    it, log-loss saved against always naming it. Groups too small for an intent leave it out.
    """
    found: dict[str, float] = {}
    for name, cut in segments.items():
        if cut["feature"] not in frame:
            continue
        groups = segment_of(frame[part], cut["feature"], cut["edges"])
        for group in sorted(groups.unique()):
            members = part & frame.index.isin(groups.index[groups == group])
            figures = [
                figure for intent in model.intents if (figure := _of_intent(frame, members, model, intent)) is not None
            ]
            if figures:
                means = pd.DataFrame(figures).mean()
                slug = group.replace(" ", "_")
                found |= {f"segment/{name}/{slug}/{metric}": float(value) for metric, value in means.items()}
    return found


def _of_intent(frame: pd.DataFrame, members: pd.Series, model: IntentModel, intent: str) -> dict[str, float] | None:
    rows = frames.rows_of(frame, members, intent)
    label = frames.label_of(rows, intent)
    if len(rows) < _FEWEST_ROWS or min(label.sum(), (1 - label).sum()) < _FEWEST_ONES:
        return None
    probability = model.probability(intent, as_numbers(rows, model.features))
    figures, rate = metrics.evaluate(label, probability), float(label.mean())
    return {
        "pr_auc_lift": figures["pr_auc"] / rate,
        "log_loss_gain": metrics.log_loss(label, np.full(len(label), rate)) - figures["log_loss"],
        "ece": figures["ece"],
        "rows": float(len(rows)),
    }
