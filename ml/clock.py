"""The moment a score speaks from. There is no wall clock in the tables: a replay must write the same row."""

import pandas as pd

SHOP_TIME = "America/New_York"


def scored_at(as_of_date: pd.Series) -> pd.Series:
    """Return the end of each as-of day in shop time, in UTC."""
    return (pd.to_datetime(as_of_date) + pd.Timedelta(days=1)).dt.tz_localize(SHOP_TIME).dt.tz_convert("UTC")
