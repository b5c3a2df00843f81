"""The frame that the response model learns from: past contacts of ended campaigns, with features before the contact."""

from datetime import date
from typing import Any

import pandas as pd

from ml import frames
from ml.nba.model import NbaSettings, nba_settings
from ml.splits import hold_out
from runtime import warehouse

_RESPONSES = """
    select customer_id, as_of_date, campaign_id, action_id, responded, starts_date, ends_date
    from features.campaign_responses
    where is_observed and ends_date <= %(as_of)s
    order by md5(customer_id || '/' || campaign_id || '/' || starts_date), starts_date
    limit %(maximum_rows)s
"""
_NOT_FEATURES = ("responded",)


def response_frame(connection: Any, as_of: date) -> pd.DataFrame:
    """Return one row per contact whose time to respond ended by `as_of`, with features; raises EmptyFrame.

    Of more than `maximum_rows` contacts these are drawn by hash: the same data gives the same ones.
    """
    limits = {"as_of": as_of, "maximum_rows": nba_settings().maximum_rows}
    responses = warehouse.read_frame(connection, _RESPONSES, limits)
    if responses.empty:
        raise frames.EmptyFrame(
            f"features.campaign_responses has no ended campaign on {as_of}. Run build_warehouse first."
        )
    if (responses["as_of_date"] > responses["starts_date"]).any():
        raise ValueError("features.campaign_responses has features from after the start of a campaign.")
    features = frames.past_features(connection, as_of, responses["as_of_date"])
    joined = responses.merge(features, on=list(frames.KEYS), how="inner", validate="many_to_one")
    if joined.empty:
        raise frames.EmptyFrame(f"No contact up to {as_of} has features. Run build_warehouse first.")
    return joined.sort_values(["starts_date", "campaign_id", "customer_id"], ignore_index=True)


def features_of(frame: pd.DataFrame) -> list[str]:
    """Name the features of a response frame."""
    return [name for name in frames.feature_names(frame) if name not in (*_NOT_FEATURES, "campaign_id")]


def split(frame: pd.DataFrame, as_of: date, settings: NbaSettings) -> tuple[pd.Series, pd.Series]:
    """Return the row masks (before, test): the held-out campaigns, and those that had ended when they began."""
    return hold_out(frame["starts_date"], frame["ends_date"], pd.Timestamp(as_of), settings.test_days)
