"""Whole columns are written as text exactly as single values are; the highest cursor is the one that compares so."""

import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from landing.pulls import _highest, _highest_of
from landing.text import as_text, values_as_text

MOMENTS = st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31))
WHOLE = MOMENTS.map(lambda moment: moment.replace(microsecond=0))
VALUES = st.one_of(
    st.lists(st.none() | MOMENTS),
    st.lists(st.none() | WHOLE),
    st.lists(st.none() | st.dates(datetime.date(1000, 1, 1))),
    st.lists(st.none() | st.integers() | st.booleans() | st.decimals(allow_nan=False) | WHOLE | st.dates()),
    st.lists(MOMENTS.map(lambda moment: moment.replace(tzinfo=datetime.UTC))),
)
ZONE = ZoneInfo("Europe/Berlin")


@given(VALUES)
def test_a_column_is_written_as_its_values_are(values):
    assert values_as_text(values).to_pylist() == [as_text(value) for value in values]


ORDERS = SimpleNamespace(cursor="updated_at", columns=[SimpleNamespace(name="updated_at", type="timestamp")])


@given(
    st.lists(
        st.none()
        | WHOLE.map(lambda moment: moment.isoformat(sep=" "))
        | WHOLE.map(lambda moment: moment.isoformat() + "Z")
        | MOMENTS.map(str)
        | st.sampled_from(["", "2025-13-45 99:99:99", "x"]),
        min_size=1,
    )
)
def test_the_highest_cursor_is_the_one_that_compares_so(values):
    column = pa.chunked_array([pa.array(values, pa.string())])
    assert _highest_of(ORDERS, column, ZONE) == _highest(ORDERS, dict.fromkeys(values), ZONE)
