"""A learned model that is kept, and versions of one account or contact."""

import pandas as pd
import pytest

from ml.identity.learned import Model
from ml.identity.link import link
from ml.identity.mapping import MappingError, read_mapping
from tests.ml.linked_people import MAPPING, people


def test_a_model_comes_back_as_it_was_and_gives_the_same_edges(linked_people):
    records, found = linked_people
    model = Model.from_bytes(found.model.to_bytes())
    assert model.id == found.model.id
    again = link(records, read_mapping(MAPPING), model=model)
    pd.testing.assert_frame_equal(again.edges, found.edges)
    pd.testing.assert_frame_equal(again.clusters, found.clusters)


def test_with_a_model_a_pair_scores_the_same_whoever_else_is_there(linked_people):
    records, found = linked_people
    some = records.iloc[::2]
    part = link(some, read_mapping(MAPPING), model=found.model).edges
    both = found.edges["left_id"].isin(some["no"]) & found.edges["right_id"].isin(some["no"])
    pd.testing.assert_frame_equal(part, found.edges[both].reset_index(drop=True))


def test_no_value_is_kept_in_clear(linked_people):
    records, found = linked_people
    content = found.model.to_bytes()
    for value in {*records["first"], *records["last"], *records["mail"].dropna()}:
        assert value.encode() not in content


def test_a_model_of_other_columns_is_refused(linked_people):
    records, found = linked_people
    less = read_mapping({**MAPPING, "columns": {"first": "given_name", "last": "surname"}})
    with pytest.raises(MappingError, match="The model knows the columns"):
        link(records, less, model=found.model)
    with pytest.raises(ValueError, match="no saved model"):
        Model.from_bytes(b"something else")


def test_versions_of_an_account_are_one_person_and_are_not_scored_among_themselves():
    records = people(60).assign(account=lambda frame: frame["no"])
    same = records["person"].duplicated(keep=False)
    versions = (
        records[~same].head(10).assign(no=lambda frame: "v" + frame["no"], last="something else", born="1901-01-01")
    )
    whole = pd.concat([records, versions], ignore_index=True)
    found = link(whole, read_mapping(MAPPING), entity="account")
    cluster = found.clusters.set_index("record_id")["cluster_id"]
    assert (cluster[versions["no"]].to_numpy() == cluster[versions["account"]].to_numpy()).all()
    account = whole.set_index("no")["account"]
    assert (account[found.edges["left_id"]].to_numpy() != account[found.edges["right_id"]].to_numpy()).all()


def test_records_without_an_entity_are_each_their_own():
    records = people(30).assign(account=None)
    alone = link(records.drop(columns="account"), read_mapping(MAPPING))
    pd.testing.assert_frame_equal(link(records, read_mapping(MAPPING), entity="account").clusters, alone.clusters)
