"""Why two entities are one customer, or why not, in the company of known_people.py."""

from contextlib import contextmanager

import pytest

from ml.identity.explanation import explain
from ml.identity.steward import Decision, StewardError, join, revoke, split
from runtime.warehouse import transaction
from tests.ml.known_people import LAST, build, known_people
from tests.ml.person_records import day, execute, rows

HERS = Decision("dora", "called and asked", day(LAST))


@pytest.fixture(scope="module")
def file(warehouse, tmp_path_factory):
    """The company, resolved; yield the file of the cache."""
    file = tmp_path_factory.mktemp("identity") / "person.duckdb"
    with known_people(file):
        yield file


@contextmanager
def decided(act, entities, others, file):
    """Have a decision applied; take it back afterwards."""
    kept = act(entities, others, HERS)
    build(file)
    yield kept
    revoke(kept.decision_id, HERS)
    build(file)


def against(one: str, other: str) -> str:
    """All reasons why two entities are two customers."""
    found = explain(one, other)
    assert not found.is_one
    return " ".join(found.against)


def test_a_rule_is_named(file):
    found = explain("account/h1", "contact/h2")
    assert found.is_one
    assert [(step.by, step.says) for step in found.steps] == [("rule", "rule, equal email + given_name + surname")]


def test_a_score_is_broken_down_by_column_and_level_and_adds_up_to_the_edge(file):
    (step,) = explain("account/h3", "contact/h2").steps
    assert step.by == "score"
    assert (str(step.left), str(step.right)) == ("account/h3", "contact/h2")
    levels = {part.column: part.level for part in step.parts}
    assert levels["birth_date"] == "the same"
    assert levels["email"] == "the same names, address different"
    assert levels["street"] == levels["card"] == "missing"
    stored = rows("select weight from identity.person_edges where array[left_id, right_id] @> %s", [list(step.records)])
    assert sum(part.bits for part in step.parts) == pytest.approx(stored[0][0], abs=1e-9)
    assert [part.bits for part in step.parts if part.level == "missing"] == [0.0] * 4


def test_the_path_goes_by_the_contact_that_told_a_card_and_names_the_source_rows(file):
    found = explain("card/hk", "account/h3")
    assert [(str(step.left), step.by, str(step.right)) for step in found.steps] == [
        ("card/hk", "card", "contact/h2"),
        ("contact/h2", "score", "account/h3"),
    ]
    named = {(str(row.entity), row.table, row.batch_id, row.source_row) for row in found.rows}
    assert ("contact/h2", "staging.stg_crm__contacts", "contacts/2025-03-03/2b", 5) in named
    assert ("account/h3", "staging.stg_shop__accounts", "accounts/2025-03-04/1a", 3) in named
    assert ("card/hk", "staging.stg_crm__contacts", "contacts/2025-03-03/2b", 5) in named
    receipts = [row.source_row for row in found.rows if row.table == "staging.stg_till__receipts"]
    assert receipts == [9, 8, 7, 6, 5]


def test_a_join_of_a_steward_is_part_of_the_path(file):
    with decided(join, ["account/g1"], ["account/h3"], file):
        found = explain("account/g1", "contact/h2")
        assert [step.by for step in found.steps] == ["steward", "score"]
        assert "by dora: called and asked" in found.steps[0].says
    assert not explain("account/g1", "contact/h2").is_one


def test_a_split_forbids_what_a_rule_wants(file):
    with decided(split, ["contact/h2"], ["account/h1", "account/h3"], file):
        found = explain("account/h1", "contact/h2")
        assert not found.is_one
        assert "Forbidden: account/h1 and contact/h2 were split by a steward" in found.against[0]
        assert found.steps[0].by == "rule"  # the strongest evidence is shown beside it


def test_a_split_that_was_decided_and_not_built_is_told(file):
    kept = split(["contact/h2"], ["account/h1"], HERS)
    found = explain("account/h1", "contact/h2")
    revoke(kept.decision_id, HERS)
    assert found.is_one
    assert "splits account/h1 and contact/h2 (called and asked): the next build applies it." in found.against[0]


def test_two_verified_birth_dates_forbid_it(file):
    assert "Forbidden: account/l1 and account/l2 have two different verified birth dates" in against(
        "account/l1", "account/l2"
    )


def test_a_held_value_is_named(file):
    said = against("account/g1", "account/g2")
    assert "the rule email + given_name + surname does not merge, because 12 have it" in said
    assert "Held" not in against("account/h1", "account/g2")


def test_a_suspicious_case_is_named(file):
    said = against("account/m1", "contact/m3")
    assert "Suspicious: they were one cluster, published in parts because its parts hang on one pair" in said


def test_below_the_threshold_says_how_far_the_best_pair_went(file):
    said = against("account/g1", "account/g2")
    assert "Below the threshold: the best pair, account/g1 and account/g2, is worth -" in said


def test_a_pair_that_no_key_brought_together_is_scored_all_the_same(file):
    found = explain("account/h1", "account/m1")
    assert "No path" in found.against[-1]
    assert found.steps[0].weight == pytest.approx(sum(part.bits for part in found.steps[0].parts))
    assert found.steps[0].weight < -10


def test_the_average_of_all_pairs_may_be_below_though_one_pair_is_above(file):
    """The rule makes m2 and m4 one, the other three pairs of the Karls are made to say nothing."""
    execute("delete from identity.person_suspicious")
    others = "(select record_id from identity.person_records where source_key in ('m1', 'm3'))"
    execute(f"delete from identity.person_edges where weight < 3 and (left_id in {others} or right_id in {others})")
    try:
        said = against("account/m1", "contact/m3")
        assert (
            "account/m2 and contact/m4, is worth +20.0, but all 4 pairs of their accounts and contacts only -5.0"
            in said
        )
    finally:
        execute("truncate identity.person_state")
        build(file)


def test_who_is_not_known_is_refused(file):
    with pytest.raises(StewardError, match="No build has seen account/nobody"):
        explain("account/nobody", "account/h1")
    with pytest.raises(StewardError, match="names no entity"):
        explain("h1", "account/h1")


def test_without_a_model_rules_and_constraints_are_told_all_the_same(file):
    execute("update identity.person_records set known_date = known_date + 1000 where entity_kind <> 'x'")
    execute("update identity.person_records set known_date = known_date - 1000 where source_key ~ '^[ghlm][0-9k]'")
    try:
        with transaction() as connection, connection.cursor() as cursor:
            cursor.execute("truncate identity.models, identity.person_state")
        build(file)
        assert [step.by for step in explain("account/h1", "contact/h2").steps] == ["rule"]
        found = explain("account/h1", "account/h3")
        assert "No path" in " ".join(found.against)
        assert found.steps == []
    finally:
        execute("update identity.person_records set known_date = known_date - 1000 where source_key !~ '^[ghlm][0-9k]'")
        build(file)
