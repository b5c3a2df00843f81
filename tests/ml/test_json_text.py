"""Texts written by columns say what one `json.dumps` per row would say."""

import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.nba import json_text

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
WORDS = st.one_of(st.none(), st.text(max_size=8))


@given(st.lists(st.tuples(NUMBERS, WORDS, st.booleans(), st.integers(-9, 9)), min_size=1, max_size=20))
def test_every_value_comes_back_as_it_was(rows):
    numbers, words, flags, counts = map(list, zip(*rows, strict=True))
    columns = {
        'a "name"': pd.Series(numbers, dtype=float),
        "words": pd.Series(words, dtype=object),
        "flags": pd.Series(flags),
        "counts": pd.Series(counts),
    }
    texts = json_text.objects({name: json_text.values(column) for name, column in columns.items()})
    read = [json.loads(text) for text in texts.to_pylist()]
    assert [[*one.values()] for one in read] == [list(row) for row in rows]
    assert [*read[0]] == [*columns]


def test_lists_take_the_next_texts_each_and_may_be_empty():
    texts = json_text.values(pd.Series([1.5, 2.0, float("nan")]))
    assert [json.loads(one) for one in json_text.lists(texts, [2, 0, 1]).to_pylist()] == [[1.5, 2], [], [None]]


def test_members_in_braces_are_objects():
    members = json_text.objects({"a": json_text.values(pd.Series([1, 2]))})
    assert json_text.lists(members, [2]).to_pylist() == ['[{"a":1},{"a":2}]']


def test_a_number_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        json_text.values(pd.Series([1.0, math.inf], name="value"))
