"""Any sequence of increments ends where one full build ends."""

from dataclasses import replace
from unittest import mock

import duckdb
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity import graph, pairs, results, update
from ml.identity.blocking import ALL_PAIRS
from ml.identity.build import Plan, build, prepare
from ml.identity.link import link
from ml.identity.mapping import read_mapping
from ml.identity.pairs import lines_of
from tests.ml.linked_people import people

MAPPING = read_mapping(
    {
        "record_id": "no",
        "columns": {"first": "given_name", "born": "birth_date", "card": "text"},
        "rules": [["card"], ["first", "born"]],
    }
)


def world() -> pd.DataFrame:
    """Write records with few values, so that they collide: cards of several people, accounts of versions."""
    records = people(40).drop(columns="person").reset_index(drop=True)
    number = records.index
    return records.assign(
        card=[None if n % 3 == 0 else "c" + "1" * (n % 5) for n in number], account=[f"a{n // 2 % 25}" for n in number]
    )


RECORDS = world()
# Limits that values of a few records cross.
FOUR = 4
FULL = link(RECORDS, MAPPING, entity="account").model
MODEL = replace(FULL, keys=tuple(replace(key, limit=40 if key.says == ALL_PAIRS else FOUR) for key in FULL.keys))


def opened(records: pd.DataFrame, plan: Plan, banned: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    """Build a linkage as a whole."""
    connection = duckdb.connect()
    hand_in(connection, records)
    prepare(connection, "given", plan, "records")
    build(connection, plan, MODEL)
    graph.make_tables(connection)
    forbid(connection, banned)
    graph.group_all(connection, plan)
    return connection


def hand_in(connection: duckdb.DuckDBPyConnection, records: pd.DataFrame) -> None:
    """Write the table `given`."""
    connection.register("frame", records.astype("string").rename(columns={"no": "#record_id"}))
    connection.execute("create or replace temp table given as from frame")
    connection.unregister("frame")


def forbid(connection: duckdb.DuckDBPyConnection, banned: pd.DataFrame) -> None:
    """Replace the forbidden pairs."""
    connection.register("banned", banned)
    connection.execute("delete from forbidden; insert into forbidden select left_id, right_id from banned")
    connection.unregister("banned")


def answers(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    """Give the rows of all that is published, in a fixed order."""
    said = {
        "edges": results.EDGES.format(edges="edges"),
        "clusters": results.CLUSTERS.format(condition=""),
        "held": results.held(lines_of(MODEL, MAPPING)),
        "suspicious": results.SUSPICIOUS,
    }
    return {name: connection.execute(f"select * from ({sql}) order by all").fetchall() for name, sql in said.items()}


@st.composite
def histories(draw):
    """Draw the records that are there after each step, with changed contents, and the pairs that are forbidden."""
    chance = draw(st.randoms(use_true_random=False))
    sizes = draw(st.lists(st.integers(2, len(RECORDS)), min_size=2, max_size=3))
    steps = [chance.sample(range(len(RECORDS)), size) for size in sizes]
    versions = {n: draw(st.integers(0, 2)) for n in sorted(steps[-1])[:8]}
    banned = draw(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59)), max_size=2))
    return steps, versions, banned


@settings(max_examples=8)
@given(histories(), st.booleans())
def test_any_sequence_of_increments_ends_as_a_full_build(history, with_accounts):
    with mock.patch.object(pairs, "HELD_ABOVE", FOUR):
        walk(history, with_accounts)


def walk(history, with_accounts: bool) -> None:
    """Go through a history by increments, and compare with a full build of its end."""
    steps, versions, banned = history
    plan = Plan(MAPPING, entity="account" if with_accounts else None, suspicious_above=3)
    states = [RECORDS.iloc[sorted(step)].copy() for step in steps]
    for n, version in versions.items():  # in the last step some say something else, or belong to somebody else
        if version == 1:
            states[-1].loc[n, "card"] = "c1"
        elif version == 2:
            states[-1].loc[n, "account"] = "a0"
    forbidden = pd.DataFrame(
        [(RECORDS["no"][a], RECORDS["no"][b]) for a, b in banned], columns=["left_id", "right_id"], dtype=str
    )
    none = forbidden.head(0)
    with opened(states[0], plan, none) as connection:
        for before, after in zip(states, states[1:], strict=False):
            ids = pd.DataFrame({"record_id": sorted({*before["no"], *after["no"]})})
            hand_in(connection, after)
            connection.register("ids", ids)
            is_last = after is states[-1]
            restless = forbidden if is_last else none
            both = pd.concat([restless["left_id"], restless["right_id"]]).rename("record_id").to_frame()
            connection.register("restless_ids", both)
            forbid(connection, restless)
            expected_before = answers(connection)
            update.update(connection, plan, MODEL, "given", "ids")
            replayed(connection, expected_before)
        found = answers(connection)
    with opened(states[-1], plan, forbidden) as connection:
        assert found == answers(connection)


def replayed(connection: duckdb.DuckDBPyConnection, before: dict[str, list[tuple]]) -> None:
    """Check that what is said to have changed leads from before to now."""
    now = answers(connection)
    for name in ("edges", "clusters"):
        gone, come = (set(connection.execute(f"from {name}_{when}").fetchall()) for when in ("before", "after"))
        assert gone <= set(before[name])
        assert (set(before[name]) - gone) | come == set(now[name])
