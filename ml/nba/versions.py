"""Versions of actions, policies and capacities: of the rows with one key the newest that is valid holds."""

from datetime import date

import pandas as pd


def in_force(versions: pd.DataFrame, key: str, day: date) -> pd.DataFrame:
    """Return the rows that hold on `day`, one per value of `key` and in its order, as dbt makes them in `vocabulary`.

    `versions`: `valid_from`, perhaps `valid_until`, the first day on which a row holds no longer; empty for no end.
    Added is `offered_since`, the first day of any version of the key.
    """
    dated = versions.assign(valid_from=pd.to_datetime(versions["valid_from"]))
    begun = dated[dated["valid_from"] <= pd.Timestamp(day)]
    begun = begun.assign(offered_since=begun.groupby(key)["valid_from"].transform("min"))
    newest = begun.sort_values("valid_from", kind="stable").drop_duplicates(key, keep="last").sort_values(key)
    if "valid_until" in newest:
        newest = newest[~(pd.to_datetime(newest["valid_until"]) <= pd.Timestamp(day))]
    return newest.reset_index(drop=True)
