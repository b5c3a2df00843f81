"""Customer ids for ever: a cluster carries the id that was minted for its founder, the record that was known first.

So ids depend on the partition and on when records were first seen, never on the way there: a full rebuild gives the
ids of any sequence of increments, a merge keeps the older id, and an undone merge gives both their own ids back. (By
largest overlap, the usual rule, two orders of the same increments may end with different ids.) The history says which
record was whose and why it changed.
"""

import hashlib

import pandas as pd

HISTORY = ["record_id", "customer_id", "valid_from", "valid_until", "reason", "run_id"]


def mint(record_id: str) -> str:
    """Make the customer id of a founder: 20 hexadecimal digits that do not show the source's own number."""
    return "c" + hashlib.blake2b(str(record_id).encode(), digest_size=10, person=b"customer_id").hexdigest()


def customer_ids(clusters: pd.DataFrame, first_seen: pd.Series) -> pd.Series:
    """Give each record's customer id.

    `clusters`: `record_id, cluster_id`. `first_seen`: when each record became known, by record id; a record without one
    is a `KeyError`. Records known at the same moment are ordered by their id.
    """
    lacking = set(clusters["record_id"]) - set(first_seen.index)
    if lacking:
        raise KeyError(f"{len(lacking)} records have no first_seen")
    known = clusters.assign(first_seen=clusters["record_id"].map(first_seen)).sort_values(["first_seen", "record_id"])
    founder = known.groupby("cluster_id", sort=False)["record_id"].transform("first")
    minted = {record: mint(record) for record in founder.unique()}
    return pd.Series(founder.map(minted).to_numpy(), index=known["record_id"], name="customer_id").reindex(
        clusters["record_id"]
    )


def update_history(history: pd.DataFrame, ids: pd.Series, as_of: pd.Timestamp, run_id: str) -> pd.DataFrame:
    """Close what ended on `as_of` and open what began; what did not change is not touched.

    `history` has the columns `HISTORY`, one row per record and stay, `valid_until` null for the present; `ids` as
    `customer_ids` gives them. Reasons: `new` (first time), `merged` (into a customer that others already are), `split`
    (out of a customer that goes on or into one that begins), `gone` (only in `valid_until`: the record is no more).
    Running twice for one `as_of` changes nothing.
    """
    present = history[history["valid_until"].isna()].set_index("record_id")["customer_id"]
    before = present.reindex(ids.index)
    moved = ids[before.ne(ids)]
    ended = pd.Index(present.index.difference(ids.index)).append(moved.index[before[moved.index].notna()])
    closed = history.copy()
    closed.loc[closed["valid_until"].isna() & closed["record_id"].isin(ended), "valid_until"] = as_of
    owners = set(present)
    reasons = [
        "new" if pd.isna(before[record]) else "merged" if customer in owners else "split"
        for record, customer in moved.items()
    ]
    opened = pd.DataFrame(
        {
            "record_id": moved.index,
            "customer_id": moved.to_numpy(),
            "valid_from": as_of,
            "valid_until": pd.NaT,
            "reason": reasons,
            "run_id": run_id,
        }
    )
    return pd.concat([closed, opened], ignore_index=True)[HISTORY] if len(opened) else closed[HISTORY]


def customers_on(history: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Say who each record's customer was on `day`."""
    there = (history["valid_from"] <= day) & (history["valid_until"].isna() | (history["valid_until"] > day))
    return history[there].set_index("record_id")["customer_id"]
