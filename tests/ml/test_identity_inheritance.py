"""Customer ids for ever: property tests over random increments."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.inheritance import HISTORY, customer_ids, customers_on, mint, update_history

EMPTY = pd.DataFrame({name: pd.Series(dtype="datetime64[ns]" if "valid" in name else str) for name in HISTORY})
DAY = pd.Timestamp("2025-03-01")
QUICK = settings(max_examples=25, deadline=None)  # time never decides a test


@st.composite
def worlds(draw):
    """Draw records with the day they are first seen, and the partition they end in."""
    count = draw(st.integers(1, 10))
    days = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    clusters = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    names = [f"r{number}" for number in range(count)]
    return pd.DataFrame({"record_id": names, "cluster_id": clusters}), pd.Series(days, index=names)


def walk(partitions: list[pd.DataFrame], first_seen: pd.Series) -> pd.DataFrame:
    """Play partitions day by day into a history."""
    history = EMPTY
    for number, clusters in enumerate(partitions):
        ids = customer_ids(clusters, first_seen)
        history = update_history(history, ids, DAY + pd.Timedelta(days=number), f"run {number}")
    return history


@QUICK
@given(worlds(), st.data())
def test_any_sequence_of_increments_ends_with_the_ids_of_a_full_build(world, data):
    clusters, first_seen = world
    steps = []
    for _ in range(data.draw(st.integers(0, 4))):
        part = clusters.sample(n=data.draw(st.integers(1, len(clusters))), random_state=data.draw(st.integers(0, 99)))
        other = data.draw(st.lists(st.integers(0, 4), min_size=len(part), max_size=len(part)))
        steps.append(part.assign(cluster_id=other))
    last = DAY + pd.Timedelta(days=len(steps))
    by_steps = customers_on(walk([*steps, clusters], first_seen), last).sort_index()
    assert by_steps.equals(customer_ids(clusters, first_seen).sort_index())


@QUICK
@given(worlds())
def test_one_id_per_cluster_and_one_cluster_per_id(world):
    clusters, first_seen = world
    ids = customer_ids(clusters, first_seen)
    pairs = set(zip(clusters["cluster_id"], ids, strict=True))
    assert len(pairs) == clusters["cluster_id"].nunique() == ids.nunique()


@QUICK
@given(worlds())
def test_a_customer_that_nothing_touched_keeps_its_id(world):
    clusters, first_seen = world
    touched = clusters.iloc[0]["cluster_id"]
    changed = clusters.assign(
        cluster_id=[f"{c}{r}" if c == touched else str(c) for r, c in clusters[["record_id", "cluster_id"]].to_numpy()]
    )
    before, after = customer_ids(clusters, first_seen), customer_ids(changed, first_seen)
    untouched = (clusters["cluster_id"] != touched).to_numpy()
    assert before[untouched].equals(after[untouched])


@QUICK
@given(worlds())
def test_a_merge_undone_gives_the_ids_back(world):
    clusters, first_seen = world
    merged = clusters.assign(cluster_id=0)
    history = walk([clusters, merged, clusters], first_seen)
    assert (
        customers_on(history, DAY).sort_index().equals(customers_on(history, DAY + pd.Timedelta(days=2)).sort_index())
    )


@QUICK
@given(worlds())
def test_twice_changes_nothing_and_stays_never_overlap(world):
    clusters, first_seen = world
    history = walk([clusters, clusters], first_seen)
    assert len(history) == len(clusters)
    again = update_history(history, customer_ids(clusters, first_seen), DAY + pd.Timedelta(days=1), "again")
    assert again.equals(history)


def test_history_says_why():
    first_seen = pd.Series({"a": 1, "b": 2, "c": 3})
    frames = [
        pd.DataFrame({"record_id": list("abc"), "cluster_id": labels}) for labels in ([1, 2, 3], [1, 1, 3], [1, 2, 3])
    ]
    history = walk(frames, first_seen)
    rows = history[history["record_id"] == "b"][["customer_id", "reason"]].values.tolist()
    assert rows == [[mint("b"), "new"], [mint("a"), "merged"], [mint("b"), "split"]]
    assert (history[history["record_id"] == "a"]["reason"] == "new").all()
