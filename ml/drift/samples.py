"""What a champion is looked at with: the rows of today, and the closed windows that it did not learn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ml import frames
from ml.drift.settings import drift_settings
from ml.nba.frame import response_frame
from ml.registry import ModelVersion
from runtime import warehouse

ALL = "all"
# Windows that closed after the training day: no label of them was learned from.
_CLOSED = """
    select customer_id, as_of_date, intent, label from features.intent_labels
    where as_of_date + horizon_days <= %(as_of)s and as_of_date + horizon_days > %(after)s and label is not null
"""

_NEWEST = "select max(as_of_date) as day from features.customer_features where as_of_date <= %(as_of)s"


@dataclass(frozen=True)
class Closed:
    """Outcomes known by now, of one subject: customer, label 0/1 and the champion's probability (n each)."""

    customer: np.ndarray
    label: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class Sample:
    """By name the values (n) to compare with the baseline: inputs, scores; and by subject what windows have closed."""

    inputs: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    closed: Mapping[str, Closed]


def intent_sample(connection: Any, version: ModelVersion, model: Any, as_of: date) -> Sample:
    """All customers on `as_of`; closed are the weekly windows of the last weeks. Raises EmptyFrame without features."""
    today = frames.current_features(connection, as_of)
    after = max(trained(version), as_of - timedelta(days=drift_settings().calibration["days"]))
    labels = warehouse.read_frame(connection, _CLOSED, {"as_of": as_of, "after": after})
    labels = labels[labels["intent"].isin(model.intents)]
    closed = {}
    if len(labels):
        past = frames.past_features(connection, as_of, labels["as_of_date"])
        joined = labels.merge(past, on=list(frames.KEYS), validate="many_to_one")
        for intent, rows in joined.groupby("intent"):
            probability = model.probability(intent, frames.as_numbers(rows, model.features))
            closed[intent] = Closed(rows["customer_id"].to_numpy(), rows["label"].to_numpy(dtype=float), probability)
    scored = model.predict_proba(today)
    return Sample(
        inputs_of(today, model.features), {intent: scored[intent].to_numpy() for intent in model.intents}, closed
    )


def response_sample(connection: Any, version: ModelVersion, model: Any, as_of: date) -> Sample:
    """The contacts whose time to respond ended after the training day: whom a company contacts is not everybody."""
    rows = response_frame(connection, as_of)
    rows = rows[rows["ends_date"] > pd.Timestamp(trained(version))].reset_index(drop=True)
    if rows.empty:  # no campaign has ended since
        return Sample({}, {}, {})
    probability, label = model.predict_proba(rows), rows["responded"].to_numpy(dtype=float)
    customer, action = rows["customer_id"].to_numpy(), rows["action_id"].to_numpy()
    parts = {ALL: np.full(len(rows), True), **{name: action == name for name in np.unique(action)}}
    closed = {name: Closed(customer[part], label[part], probability[part]) for name, part in parts.items()}
    return Sample(inputs_of(rows, model.features), {ALL: probability}, closed)


def inputs_of(rows: pd.DataFrame, features: list[str]) -> dict[str, np.ndarray]:
    """Return the values (n) of each feature, as floats. Raises EmptyFrame if one is missing."""
    numbers = frames.as_numbers(rows, features)
    return {name: numbers[name].to_numpy() for name in features}


def newest_snapshot(connection: Any, as_of: date) -> pd.Series:
    """Return the newest day up to `as_of` of which the warehouse still has features (1 or 0 rows)."""
    found = warehouse.read_frame(connection, _NEWEST, {"as_of": as_of})["day"].dropna()
    return pd.to_datetime(found)


def trained(version: ModelVersion) -> date:
    """Return the day whose knowledge `version` was trained on."""
    return date.fromisoformat(version.tags["as_of"])
