"""Property tests of the partition: whatever the edges are, these hold."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ml.identity.partition import ABSENT, partition


@st.composite
def graphs(draw, unique: bool = False):
    """Draw up to 12 records and some scored pairs (left, right, weight), each pair once."""
    records = draw(st.integers(2, 12))
    possible = [(one, other) for one in range(records) for other in range(one + 1, records)]
    pairs = draw(st.lists(st.sampled_from(possible), unique=True))
    weights = draw(st.lists(st.floats(-9, 9), min_size=len(pairs), max_size=len(pairs), unique=unique))
    left, right = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    return records, left, right, np.array(weights, dtype=float)


@given(graphs())
def test_every_record_is_in_exactly_one_cluster_named_by_its_smallest_record(graph):
    labels = partition(*graph).label
    assert len(labels) == graph[0]
    assert all(labels[label] == label for label in labels)
    assert all(label <= record for record, label in enumerate(labels))


@given(graphs(), st.randoms())
def test_order_and_direction_of_edges_do_not_matter(graph, chance):
    records, left, right, weight = graph
    order = chance.sample(range(len(left)), len(left))
    turned = np.array([chance.random() < 0.5 for _ in order], dtype=bool)
    one, other = left[order], right[order]
    mixed = partition(records, np.where(turned, other, one), np.where(turned, one, other), weight[order]).label
    assert (mixed == partition(*graph).label).all()


@given(graphs(unique=True), st.randoms())
def test_numbering_of_records_does_not_matter(graph, chance):
    records, left, right, weight = graph
    number = np.array(chance.sample(range(records), records))
    renumbered = partition(records, number[left], number[right], weight).label
    assert same_partition(partition(*graph).label, renumbered[number])


@given(graphs(), st.data())
def test_what_must_not_meet_never_meets(graph, data):
    records, left, right, weight = graph
    pairs = st.tuples(st.integers(0, records - 1), st.integers(0, records - 1)).filter(lambda pair: pair[0] != pair[1])
    forbidden = np.array(data.draw(st.lists(pairs, min_size=1, max_size=6)))
    labels = partition(records, left, right, weight, forbidden=forbidden).label
    assert (labels[forbidden[:, 0]] != labels[forbidden[:, 1]]).all()


@given(graphs(), st.data())
def test_a_cluster_holds_one_record_of_a_table_without_duplicates(graph, data):
    records, left, right, weight = graph
    source = np.array(data.draw(st.lists(st.sampled_from("ab"), min_size=records, max_size=records)))
    labels = partition(records, left, right, weight, source).label
    assert len(set(zip(labels, source, strict=True))) == records


@given(graphs())
def test_a_pair_that_says_no_more_than_a_missing_one_changes_nothing(graph):
    records, left, right, weight = graph
    known = set(zip(left, right, strict=True))
    more = [(a, b) for a in range(records) for b in range(a + 1, records) if (a, b) not in known]
    extra_left, extra_right = (np.array([pair[side] for pair in more], dtype=int) for side in (0, 1))
    whole = partition(
        records,
        np.concatenate([left, extra_left]),
        np.concatenate([right, extra_right]),
        np.concatenate([weight, np.full(len(more), ABSENT)]),
    ).label
    assert (whole == partition(*graph).label).all()


@given(st.integers(2, 6), st.integers(2, 6), st.floats(0, 9))
def test_one_bridge_does_not_join_two_groups(one, other, bridge):
    groups = [range(one), range(one, one + other)]
    pairs = [(a, b, 9.0) for group in groups for a in group for b in group if a < b] + [(0, one, bridge)]
    left, right, weight = (np.array(column) for column in zip(*pairs, strict=True))
    labels = partition(one + other, left, right, weight).label
    assert set(labels) == {0, one}


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    """Say whether two labellings group the same records."""
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))
