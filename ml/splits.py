"""Cut dated rows into train, validation and test by time, with a gap so that no label looks into a later part."""

from dataclasses import dataclass

import pandas as pd


class NotEnoughHistory(ValueError):
    """The dated rows do not reach far enough back for the cut; the message gives the numbers."""


@dataclass(frozen=True)
class TimeSplit:
    """Row masks of the three parts. Every label of a part is complete before the next part's first snapshot."""

    train: pd.Series
    validation: pd.Series
    test: pd.Series


def hold_out(start: pd.Series, known: pd.Series, as_of: pd.Timestamp, test_days: int) -> tuple[pd.Series, pd.Series]:
    """Return the row masks (before, test): the last `test_days` of starts, and what was complete when they began.

    A row looks forward from the day `start`; its label is complete on the day `known`. A row whose label is complete
    only after the test part begins belongs to neither: that is the gap. Raises NotEnoughHistory for an empty part.
    """
    usable = known <= as_of
    if not usable.any():
        raise NotEnoughHistory(f"No label is complete on {as_of:%Y-%m-%d}.")
    test = usable & (start > start[usable].max() - pd.Timedelta(days=test_days))
    before = usable & (known <= start[test].min())
    if not before.any():
        raise NotEnoughHistory(f"No label is complete before the held-out part begins on {start[test].min():%Y-%m-%d}.")
    return before, test


def split_by_time(
    start: pd.Series, known: pd.Series, as_of: pd.Timestamp, test_days: int, validation_days: int
) -> TimeSplit:
    """Hold out the last `test_days`, and from what lies before them the last `validation_days`; see `hold_out`."""
    before, test = hold_out(start, known, as_of, test_days)
    train, validation = hold_out(start.where(before), known.where(before), start[test].min(), validation_days)
    return TimeSplit(train, validation, test)
