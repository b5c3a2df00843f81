"""Read features and labels as of a date, and name a frame by its content."""

import hashlib
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from runtime import warehouse

KEYS = ("customer_id", "as_of_date")
# How old the data is decides what may be done (ml/nba/policy.py). It is no feature: history has it on Saturdays
# only, so that a learner would meet ages on a weekday which it has never seen.
AGE_SUFFIX = "_data_age_days"


class EmptyFrame(RuntimeError):
    """There are no rows to learn from or to score; the message says which step is missing."""


def current_features(connection: Any, as_of: date) -> pd.DataFrame:
    """Return features.customer_features of `as_of`, one row per customer, by customer_id. Raises EmptyFrame."""
    frame = warehouse.read_frame(
        connection,
        "select * from features.customer_features where as_of_date = %(as_of)s order by customer_id",
        {"as_of": as_of},
    )
    if frame.empty:
        raise EmptyFrame(f"features.customer_features has no rows for {as_of}. Run build_warehouse for that day first.")
    return frame


def past_features(connection: Any, as_of: date, dates: pd.Series) -> pd.DataFrame:
    """Return features.customer_features of the snapshot `dates`, none later than `as_of`."""
    wanted = sorted({day.date() for day in dates if day.date() <= as_of})
    return warehouse.read_frame(
        connection,
        "select * from features.customer_features where as_of_date = any(%(dates)s) order by as_of_date, customer_id",
        {"dates": wanted},
    )


def feature_names(frame: pd.DataFrame) -> list[str]:
    """Name the columns a model may look at: every numeric or boolean one that varies, is no key and no data age.

    A department that the company lacks leaves its features at one value: they say nothing, and a learner that draws
    features at random would draw them in place of others.
    """
    return sorted(
        name
        for name in frame.columns
        if name not in KEYS
        and not name.endswith(AGE_SUFFIX)
        and pd.api.types.is_numeric_dtype(frame[name])
        and _varies(frame[name])
    )


def _varies(values: pd.Series) -> bool:
    return bool(values.min() != values.max()) or 0 < int(values.isna().sum()) < len(values)


def as_numbers(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Return `features` as float64. Raises EmptyFrame if one of them is missing from `frame`."""
    missing = [name for name in features if name not in frame]
    if missing:
        raise EmptyFrame(f"features.customer_features lacks {', '.join(missing)}, which the model was trained on.")
    return frame[features].astype("float64")


def data_as_of(frame: pd.DataFrame) -> pd.Series:
    """Return per row the day up to which *all* departments that know the customer have told us (datetime)."""
    ages = frame[[name for name in frame if name.endswith(AGE_SUFFIX)]].max(axis=1).fillna(0)
    return pd.to_datetime(frame["as_of_date"]) - pd.to_timedelta(ages, unit="D")


def content_hash(frame: pd.DataFrame, *settings: str) -> str:
    """Return a SHA-256 over all values of `frame`, whatever the order of its rows, and over the texts of `settings`."""
    ordered = frame[sorted(frame.columns)]
    rows = np.sort(pd.util.hash_pandas_object(ordered, index=False).to_numpy())
    digest = hashlib.sha256(rows.tobytes())
    for text in [*ordered.columns, *settings]:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()
