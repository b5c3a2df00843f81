"""No label of a part looks into a later part."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.splits import NotEnoughHistory, split_by_time

SATURDAYS = pd.Series(pd.date_range("2017-03-04", "2017-12-23", freq="7D"))
AS_OF = pd.Timestamp("2017-12-28")


def test_labels_of_a_part_are_complete_before_the_next_begins():
    known = SATURDAYS + pd.Timedelta(days=28)
    split = split_by_time(SATURDAYS, known, AS_OF, test_days=28, validation_days=28)
    assert SATURDAYS[split.test].tolist() == pd.date_range("2017-11-04", "2017-11-25", freq="7D").tolist()
    assert SATURDAYS[split.validation].tolist() == pd.date_range("2017-09-16", "2017-10-07", freq="7D").tolist()
    assert SATURDAYS[split.train].max() == pd.Timestamp("2017-08-19")


@given(
    horizon=st.integers(1, 60),
    test_days=st.integers(1, 80),
    validation_days=st.integers(1, 80),
    cut=st.integers(0, 300),
)
def test_parts_never_overlap_whatever_the_settings(horizon, test_days, validation_days, cut):
    known = SATURDAYS + pd.Timedelta(days=horizon)
    as_of = AS_OF - pd.Timedelta(days=cut)
    try:
        split = split_by_time(SATURDAYS, known, as_of, test_days, validation_days)
    except NotEnoughHistory:
        return
    assert known[split.test].max() <= as_of
    assert known[split.validation].max() <= SATURDAYS[split.test].min()
    assert known[split.train].max() <= SATURDAYS[split.validation].min()
    assert not (split.train & split.validation).any() and not (split.validation & split.test).any()
    assert split.train.any() and split.validation.any() and split.test.any()


def test_campaigns_that_are_still_running_when_the_next_part_begins_are_left_out():
    start = pd.Series(pd.to_datetime(["2017-03-01", "2017-04-01", "2017-05-01", "2017-06-01", "2017-09-01"]))
    end = pd.Series(pd.to_datetime(["2017-03-20", "2017-06-15", "2017-05-20", "2017-12-01", "2017-10-01"]))
    split = split_by_time(start, end, AS_OF, test_days=30, validation_days=20)
    assert split.test.tolist() == [False, False, False, False, True]
    assert split.validation.tolist() == [False, False, True, False, False]
    assert split.train.tolist() == [True, False, False, False, False]


def test_too_little_history_is_said_with_its_date():
    with pytest.raises(NotEnoughHistory, match="before the held-out part begins on 2017-0"):
        split_by_time(SATURDAYS, SATURDAYS + pd.Timedelta(days=28), AS_OF, 28, 300)
    with pytest.raises(NotEnoughHistory, match="No label is complete on 2017-03-10"):
        split_by_time(SATURDAYS, SATURDAYS + pd.Timedelta(days=28), pd.Timestamp("2017-03-10"), 28, 28)
