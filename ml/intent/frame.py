"""The frame that intent models learn from: weekly snapshots with complete labels, cut by time."""

from datetime import date
from typing import Any

import pandas as pd

from ml import frames
from ml.intent.model import IntentSettings
from ml.splits import TimeSplit, split_by_time
from runtime import warehouse

_LABELS = """
    select customer_id, as_of_date, intent, label, horizon_days from features.intent_labels
    where as_of_date + horizon_days <= %(as_of)s and label is not null
"""


def labelled_frame(connection: Any, as_of: date) -> pd.DataFrame:
    """Return features and labels known on `as_of`, by as_of_date and customer_id; raises EmptyFrame.

    Columns: keys, features, one column per intent named `label:<intent>` (0/1, missing where undefined) and
    `known_date`, the day on which the row's labels are complete.
    """
    labels = warehouse.read_frame(connection, _LABELS, {"as_of": as_of})
    if labels.empty:
        raise frames.EmptyFrame(f"features.intent_labels has no complete label on {as_of}. Run build_warehouse first.")
    known = labels["as_of_date"] + pd.to_timedelta(labels["horizon_days"], unit="D")
    latest = known.groupby([labels["customer_id"], labels["as_of_date"]]).max().rename("known_date")
    wide = labels.pivot(index=list(frames.KEYS), columns="intent", values="label").add_prefix("label:")
    features = frames.past_features(connection, as_of, labels["as_of_date"])
    joined = features.merge(wide.join(latest).reset_index(), on=list(frames.KEYS), how="inner", validate="one_to_one")
    if joined.empty:
        raise frames.EmptyFrame(f"No labelled snapshot up to {as_of} has features. Run build_warehouse first.")
    return joined.sort_values(["as_of_date", "customer_id"], ignore_index=True)


def intents_of(frame: pd.DataFrame) -> list[str]:
    """Name the intents that `frame` has labels for."""
    return sorted(name.removeprefix("label:") for name in frame if name.startswith("label:"))


def features_of(frame: pd.DataFrame) -> list[str]:
    """Name the features of a labelled frame."""
    return [name for name in frames.feature_names(frame) if not name.startswith("label:")]


def split(frame: pd.DataFrame, as_of: date, settings: IntentSettings) -> TimeSplit:
    """Cut `frame` into train, validation and test weeks; see ml.splits."""
    return split_by_time(
        frame["as_of_date"], frame["known_date"], pd.Timestamp(as_of), settings.test_days, settings.validation_days
    )


def rows_of(frame: pd.DataFrame, part: pd.Series, intent: str) -> pd.DataFrame:
    """Return the rows of one part that have a label of `intent`."""
    return frame[part & frame[f"label:{intent}"].notna()]


def label_of(rows: pd.DataFrame, intent: str) -> Any:
    """Return the labels (n) of `intent` as 0/1 integers."""
    return rows[f"label:{intent}"].to_numpy(dtype=int)
