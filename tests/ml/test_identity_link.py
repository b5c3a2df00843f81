"""Linking a table: from records and a mapping to who is one person."""

import numpy as np
import pandas as pd
import pytest

from ml.identity.evaluation import quality
from ml.identity.link import link
from ml.identity.mapping import MappingError, read_mapping
from ml.identity.store import link_records
from runtime.warehouse import copy_frame, read_frame, transaction
from tests.ml.linked_people import MAPPING, people


def test_finds_people_despite_errors(linked_people):
    records, found = linked_people
    measured = quality(found.clusters["cluster_id"].to_numpy(), records["person"].to_numpy())
    assert measured.precision >= 0.98
    assert measured.recall >= 0.95


def test_every_record_once_in_the_order_given(linked_people):
    records, found = linked_people
    assert found.clusters["record_id"].tolist() == records["no"].tolist()
    assert set(found.clusters["cluster_id"]) <= set(records["no"])


def test_order_of_records_does_not_matter(linked_people):
    records, found = linked_people
    again = link(records.sample(frac=1, random_state=3), read_mapping(MAPPING))
    one, other = (each.clusters.set_index("record_id")["cluster_id"].sort_index() for each in (found, again))
    assert one.equals(other)
    pd.testing.assert_frame_equal(found.edges, again.edges)


def test_pairs_that_were_forbidden_do_not_meet(linked_people):
    records, found = linked_people
    strongest = found.edges.sort_values("weight").tail(5)[["left_id", "right_id"]]
    cluster = link(records, read_mapping(MAPPING), forbidden=strongest).clusters.set_index("record_id")["cluster_id"]
    assert (cluster[strongest["left_id"]].to_numpy() != cluster[strongest["right_id"]].to_numpy()).all()


def test_a_rule_merges_and_a_value_that_many_share_is_held():
    strangers = people(60).drop_duplicates("person").assign(card=lambda frame: frame["no"])
    strangers.loc[strangers.index[:2], "card"] = "7001"
    strangers.loc[strangers.index[2:30], "card"] = "000000"
    mapping = read_mapping({**MAPPING, "columns": {**MAPPING["columns"], "card": "text"}, "rules": ["card"]})
    found = link(strangers, mapping)
    cluster = found.clusters["cluster_id"]
    assert cluster.iloc[0] == cluster.iloc[1]
    assert cluster.iloc[2:30].nunique() == 28
    assert found.held[["records", "rule"]].values.tolist() == [[28, "card"]]


def test_values_that_strangers_share_merge_nobody_and_are_listed():
    chance = np.random.default_rng(20)
    letters = np.array(list("abcdefghijklmnoprstuvwz"))
    words = ["".join(chance.choice(letters, 7)) for _ in range(3000)]
    days = pd.Timestamp("1940-01-01") + pd.to_timedelta(chance.integers(0, 22_000, 1500), unit="D")
    strangers = pd.DataFrame({"first": words[:1500], "last": words[1500:], "born": days.strftime("%Y-%m-%d")})
    # 000000 is no number: it says nothing, so there is nothing to hold; the switchboard's is one
    strangers["phone"] = ["000000" if n < 500 else "030 123456" if n < 1000 else None for n in range(1500)]
    strangers["mail"] = [None if n < 500 else "noreply@shop.example" for n in range(1500)]
    kinds = {**MAPPING["columns"], "phone": "phone"}
    found = link(strangers, read_mapping({"columns": kinds, "rules": ["phone", "mail"]}))
    assert found.clusters["cluster_id"].nunique() == 1500
    by_rule = found.held.dropna(subset="rule").set_index("rule")["records"].to_dict()
    assert by_rule == {"phone": 500, "mail": 1000}


def test_two_tables_without_duplicates_are_linked_one_to_one():
    records = people(60)
    records = records.assign(table=np.where(records.duplicated("person"), "b", "a"))
    found = link(records, read_mapping(MAPPING), source="table")
    both = records.assign(cluster=found.clusters["cluster_id"].to_numpy())
    assert both.groupby("cluster")["table"].agg(lambda tables: tables.is_unique).all()
    assert quality(both["cluster"].to_numpy(), both["person"].to_numpy(), both["table"].to_numpy()).f1 >= 0.95


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tiny_tables(rows):
    found = link(people().head(rows), read_mapping(MAPPING))
    assert len(found.clusters) == rows


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"columns": {"a": "shoe_size"}}, "unknown kind 'shoe_size'. Kinds: given_name"),
        ({"columns": {}}, "names no column"),
        ({"record_id": "a", "columns": {"a": "email"}}, "a is the record id"),
        ({"columns": {"a": "email"}, "rules": [["b"]]}, "b is none"),
        ({"columns": {"a": {"kind": "birth_date", "from": ["y", "m"]}}}, "year, month and day"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(content, says):
    with pytest.raises(MappingError, match=says):
        read_mapping(content)


def test_columns_and_ids_are_checked():
    records = people(4)
    with pytest.raises(MappingError, match="no column mail"):
        link(records.drop(columns="mail"), read_mapping(MAPPING))
    with pytest.raises(MappingError, match="1 repeated"):
        link(records.assign(no=["x", "x", *records["no"][2:]]), read_mapping(MAPPING))


def test_from_warehouse_to_warehouse_and_twice(warehouse):
    records = people(40)
    with transaction() as connection:
        with connection.cursor() as cursor:
            cursor.execute("create temp table people (no text, first text, last text, born date, mail text)")
        copy_frame(connection, records.drop(columns="person"), "people", ["no", "first", "last", "born", "mail"])
        answers = []
        for _ in range(2):
            link_records(connection, "select * from people", read_mapping(MAPPING), "pg_temp.person")
            answers.append(read_frame(connection, "select * from pg_temp.person_clusters order by record_id"))
        assert len(answers[0]) == len(records)
        pd.testing.assert_frame_equal(*answers)
        assert read_frame(connection, "select count(*) as n from pg_temp.person_edges")["n"].item() > 0
        connection.rollback()
