"""Customer ids for ever: property tests over random partitions in the real warehouse, and what history says."""

from contextlib import contextmanager
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity import founders, history
from runtime.warehouse import copy_frame, read_frame, transaction
from tests.ml.person_records import FIRST, day

QUICK = settings(max_examples=20)
TODAY = 10  # the day on which the first partition is known; entities are known from day 0 to 3
KINDS = ("account", "contact", "card")
ON_A_DAY = """select entity_kind, source_key, customer_id from identity.customer_history
    where valid_from <= %s and (valid_until > %s or valid_until is null) order by 1, 2"""
OVERLAPS = """select source_key from identity.customer_history one join identity.customer_history other
    using (entity_kind, source_key)
    where one.valid_from < other.valid_from and one.valid_from < coalesce(one.valid_until, 'infinity')
        and (one.valid_until is null or one.valid_until > other.valid_from)"""
pytestmark = pytest.mark.usefixtures("warehouse")


@st.composite
def worlds(draw, smallest: int = 1):
    """Draw entities with the day they are first known, and the cluster they end in."""
    count = draw(st.integers(smallest, 8))
    return pd.DataFrame(
        {
            "entity_kind": [KINDS[number % 3] for number in range(count)],
            "source_key": [f"e{number}" for number in range(count)],
            "first_known_date": [
                day(known) for known in draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
            ],
            "cluster_id": draw(st.lists(st.sampled_from("abcd"), min_size=count, max_size=count)),
        }
    )


class Walk:
    """Days played in one transaction."""

    def __init__(self, connection) -> None:
        self.connection = connection

    def play(self, world: pd.DataFrame, number: int = 0) -> dict:
        """Let the entities of `world` be in its clusters on the day `number`; give the counts by reason."""
        with self.connection.cursor() as cursor:
            cursor.execute(
                """drop table if exists known_entities, drawn;
                create temporary table known_entities
                    (entity_kind text, source_key text, first_known_date date, owner text);
                create temporary table drawn (record_id text, cluster_id text)"""
            )
        named = world.assign(owner=world["source_key"], record_id=world["source_key"])
        copy_frame(
            self.connection, named, "pg_temp.known_entities", ["entity_kind", "source_key", "first_known_date", "owner"]
        )
        copy_frame(self.connection, named, "pg_temp.drawn", ["record_id", "cluster_id"])
        founders.find_customers(
            self.connection, "pg_temp.drawn", pd.DataFrame({"cluster_id": [], "united_id": []}, dtype=str)
        )
        return history.write(self.connection, day(TODAY + number))

    def ids(self) -> pd.Series:
        """Give the customer of each entity now."""
        return self.rows("select source_key, customer_id from identity.entity_customers order by 1").set_index(
            "source_key"
        )["customer_id"]

    def on(self, number: int) -> pd.DataFrame:
        """Say whose each entity was on a day, by one query."""
        moment = day(TODAY + number)
        return read_frame(self.connection, ON_A_DAY, (moment, moment))

    def rows(self, query: str) -> pd.DataFrame:
        """Read rows."""
        return read_frame(self.connection, query)

    def state(self) -> list[list]:
        """Read everything."""
        return [
            self.rows(f"select * from identity.{name} order by 1, 2, 3, 4").astype(str).values.tolist()
            for name in ("entity_customers", "customer_history")
        ]

    def forget(self) -> None:
        """Start with empty tables."""
        with self.connection.cursor() as cursor:
            cursor.execute("delete from identity.customer_history; delete from identity.entity_customers")


@contextmanager
def walk():
    """Open a transaction of which nothing stays."""
    with transaction() as connection:
        yield Walk(connection)
        connection.rollback()


def drawn_steps(world: pd.DataFrame, data) -> list[pd.DataFrame]:
    """Draw up to four partitions of some of the entities; the last is the whole world's own."""
    steps = []
    for _ in range(data.draw(st.integers(0, 4))):
        part = world.sample(n=data.draw(st.integers(1, len(world))), random_state=data.draw(st.integers(0, 99)))
        other = data.draw(st.lists(st.sampled_from("abcd"), min_size=len(part), max_size=len(part)))
        steps.append(part.assign(cluster_id=other))
    return [*steps, world]


@QUICK
@given(worlds(), st.data())
def test_any_sequence_of_increments_ends_with_the_ids_of_a_full_build(world, data):
    with walk() as days:
        for number, step in enumerate(drawn_steps(world, data)):
            days.play(step, number)
        by_steps = days.ids()
        days.forget()
        days.play(world)
        assert days.ids().equals(by_steps)


@QUICK
@given(worlds(), st.data())
def test_history_says_whose_everything_was_on_any_day_and_stays_never_overlap(world, data):
    """Who came late was somebody's from its first day on; so only who was known on the day is asked."""
    steps = drawn_steps(world, data)
    known, told = set(), []
    with walk() as days:
        for number, step in enumerate(steps):
            days.play(step, number)
            known |= set(step["source_key"])
            told.append((days.ids().to_dict(), set(known)))
        for number, (ids, known) in enumerate(told):
            said = days.on(number).set_index("source_key")["customer_id"].to_dict()
            assert {key: customer for key, customer in said.items() if key in known} == ids
        assert days.rows(OVERLAPS).empty


@QUICK
@given(worlds(), st.data())
def test_a_day_played_again_and_forward_ends_as_before(world, data):
    steps = drawn_steps(world, data)
    with walk() as days:
        for number, step in enumerate(steps):
            days.play(step, number)
        before = days.state()
        for number in range(data.draw(st.integers(0, len(steps) - 1)), len(steps)):
            days.play(steps[number], number)
        assert days.state() == before


@QUICK
@given(worlds())
def test_one_id_per_cluster_and_one_cluster_per_id(world):
    with walk() as days:
        days.play(world)
        ids = world["source_key"].map(days.ids())
        assert len(set(zip(world["cluster_id"], ids, strict=True))) == world["cluster_id"].nunique() == ids.nunique()
        founding = days.rows("select customer_id from identity.entity_customers where is_founder")["customer_id"]
        assert sorted(founding) == sorted(set(ids))


@QUICK
@given(worlds())
def test_a_customer_that_nothing_touched_keeps_its_id_and_is_not_moved(world):
    touched = world["cluster_id"] == world["cluster_id"][0]
    with walk() as days:
        days.play(world)
        before = days.ids()
        days.play(world.assign(cluster_id=world["cluster_id"].mask(touched, world["source_key"])), 1)
        still = world["source_key"][~touched]
        assert days.ids()[still].equals(before[still])
        moved = set(days.rows("select customer_id from identity.moved_customers")["customer_id"])
        assert not moved & set(before[still])
        assert moved >= set(days.ids()[days.ids() != before])


@QUICK
@given(worlds())
def test_a_merge_undone_gives_the_ids_back(world):
    with walk() as days:
        for number, step in enumerate((world, world.assign(cluster_id="a"), world)):
            days.play(step, number)
        assert days.on(0).equals(days.on(2))


def entity(key: str, known: int, cluster: str, kind: str = "account") -> dict:
    """Write an entity."""
    return {"entity_kind": kind, "source_key": key, "first_known_date": day(known), "cluster_id": cluster}


def test_history_says_why():
    def of(*clusters: str) -> pd.DataFrame:
        return pd.DataFrame(
            [entity(key, known, cluster) for known, (key, cluster) in enumerate(zip("abc", clusters, strict=False))]
        )

    with walk() as days:
        days.play(of("1", "2", "3"))
        days.play(of("1", "1", "3"), 1)
        days.play(of("1", "2", "3"), 2)
        days.play(of("1", "2"), 3)
        told = days.rows("select * from identity.customer_history order by source_key, valid_from")
        own = days.ids()
        assert told[told["source_key"] == "b"][["customer_id", "reason"]].values.tolist() == [
            [own["b"], "new"],
            [own["a"], "merged"],
            [own["b"], "split"],
        ]
        assert told[told["source_key"] == "a"]["reason"].tolist() == ["new"]
        assert told[told["source_key"] == "c"]["reason"].tolist() == ["new", "gone"]
        stays = told[told["source_key"] == "b"]
        assert stays["valid_from"].dt.date.tolist() == [day(1), day(TODAY + 1), day(TODAY + 2)]
        assert stays["valid_until"].dt.date.tolist()[:2] == [day(TODAY + 1), day(TODAY + 2)]


def test_known_on_one_day_the_account_comes_before_the_contact_before_the_card_before_the_key():
    with walk() as days:
        days.play(
            pd.DataFrame(
                [entity("z", 1, "1"), entity("b", 1, "1"), entity("a", 1, "1", "contact"), entity("0", 1, "1", "card")]
            )
        )
        assert days.rows("select source_key from identity.entity_customers where is_founder").values.tolist() == [["b"]]
        days.play(pd.DataFrame([entity("z", 1, "1", "contact"), entity("0", 1, "1", "card"), entity("b", 2, "1")]), 1)
        assert days.rows("select source_key from identity.entity_customers where is_founder").values.tolist() == [["z"]]


def test_who_comes_back_begins_anew_on_the_day_of_return():
    whole = pd.DataFrame([entity("a", 0, "1"), entity("b", 1, "2")])
    with walk() as days:
        for number, world in enumerate((whole, whole.head(1), whole)):
            days.play(world, number)
        told = days.rows("select valid_from, reason from identity.customer_history where source_key = 'b' order by 1")
        assert told["reason"].tolist() == ["new", "gone", "new"]
        assert told["valid_from"].dt.date.tolist()[1:] == [
            FIRST + timedelta(days=TODAY + 1),
            FIRST + timedelta(days=TODAY + 2),
        ]
