"""What a steward decides is written once, whole, or refused with a sentence."""

import json
from datetime import timedelta

import pytest

from ml.identity.decision_form import carry_out
from ml.identity.steward import Decision, StewardError, join, list_decisions, revoke, split
from tests.ml import person_records as given
from tests.ml.steward_tables import DAY, customers, identity_tables, rows, run

HERS = Decision("dora", "two people at one address, she called", DAY)
LATER = Decision("dora", "it was one person", DAY + timedelta(days=1))


@pytest.fixture
def company(warehouse):
    """Customer c1 is two accounts, a contact and a card; c2 a contact; c3 an account."""
    with identity_tables():
        customers(
            *(("account/A1", "c1"), ("account/A2", "c1"), ("contact/C1", "c1"), ("card/K1", "c1")),
            *(("contact/C2", "c2"), ("account/A3", "c3")),
        )
        given.make()
        yield
        given.remove()


def pairs() -> list[tuple]:
    return rows("select left_kind, left_key, right_kind, right_key from identity.steward_pairs order by 1, 2, 3, 4")


def test_a_split_is_kept_pair_by_pair_with_who_and_why(company):
    kept = split(["account/A1", "contact/C1"], ["account/A2"], HERS)
    assert kept.is_new
    assert pairs() == [("account", "A1", "account", "A2"), ("account", "A2", "contact", "C1")]
    stored = rows("select decision_id, verb, reason, decided_by, decided_date from identity.steward_decisions")
    assert stored == [(kept.decision_id, "split", HERS.reason, "dora", DAY)]


def test_without_others_it_is_split_from_all_accounts_and_contacts_of_the_customer(company):
    split(["account/A2"], [], HERS)
    assert pairs() == [("account", "A1", "account", "A2"), ("account", "A2", "contact", "C1")]


def test_the_same_decision_twice_is_one_also_after_it_was_carried_out(company):
    first = split(["account/A1"], ["account/A2"], HERS)
    run("update identity.entity_customers set customer_id = 'c9' where source_key = 'A2'")
    again = split(["account/A2"], ["account/A1"], Decision("otto", "again", DAY + timedelta(days=1)))
    assert (again.decision_id, again.is_new) == (first.decision_id, False)
    assert len(list_decisions()) == 1


def test_a_join_is_of_two_customers(company):
    kept = join(["account/A3"], ["contact/C2"], HERS)
    assert pairs() == [("account", "A3", "contact", "C2")]
    assert kept.is_new


@pytest.mark.parametrize(
    ("act", "entities", "others", "says"),
    [
        (split, ["account/A1"], ["contact/C2"], r"are two customers \(c1, c2\) already"),
        (split, ["account/A3"], [], "a customer alone"),
        (join, ["account/A1"], ["contact/C1"], r"are one customer \(c1\) already"),
        (join, ["account/A1"], [], "at least one entity on either side"),
        (split, [], [], "at least one entity on either side"),
        (split, ["account/A1"], ["account/A1"], "both sides"),
        (split, ["account/A1"], ["account/nobody"], "No build has seen account/nobody"),
        (split, ["card/K1"], ["account/A1"], "belongs to the contact that told it first"),
        (join, ["A1"], ["contact/C2"], "names no entity"),
        (join, ["visitor/V1"], ["contact/C2"], "names no entity"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(company, act, entities, others, says):
    with pytest.raises(StewardError, match=says):
        act(entities, others, HERS)
    assert list_decisions(is_all=True) == []


@pytest.mark.parametrize(
    ("by", "reason", "says"),
    [
        ("", "why", "who decides and why"),
        ("dora", "  ", "who decides and why"),
        ("dora", "anna@example.org says so", "write no address"),
        ("dora", "A1 is a shop", "write no address"),
        ("dora", "see contact/C1.", "write no address"),
        ("dora", "was c0123456789abcdef", "write no address"),
    ],
)
def test_a_decision_has_an_author_and_a_reason_that_names_nobody(company, by, reason, says):
    with pytest.raises(StewardError, match=says):
        split(["account/A1"], ["contact/C1"], Decision(by, reason, DAY))
    assert list_decisions() == []


def test_the_day_is_the_newest_that_the_warehouse_knows(company):
    run("insert into identity.customer_history values ('account', 'A7', 'c7', %s, null, 'new', %s)", (DAY, DAY))
    assert split(["account/A1"], ["contact/C1"], Decision("dora", "why")).day == DAY


def test_a_revoked_decision_stays_in_the_list_and_may_be_taken_again(company):
    first = split(["account/A1"], ["contact/C1"], HERS)
    assert revoke(first.decision_id, LATER) == LATER.day
    assert list_decisions() == []
    assert list_decisions(is_all=True)[0][6:] == (LATER.day, "dora", "it was one person")
    with pytest.raises(StewardError, match="was revoked already"):
        revoke(first.decision_id, LATER)
    again = split(["account/A1"], ["contact/C1"], HERS)
    assert again.is_new
    assert again.decision_id != first.decision_id


def test_it_is_not_revoked_before_it_held_nor_if_there_is_none(company):
    first = split(["account/A1"], ["contact/C1"], LATER)
    with pytest.raises(StewardError, match="cannot be revoked on 2025-07-01"):
        revoke(first.decision_id, HERS)
    with pytest.raises(StewardError, match="There is no decision 0"):
        revoke(0, HERS)


def test_a_later_decision_may_say_the_opposite_and_an_earlier_one_may_not(company):
    first = split(["account/A1"], ["contact/C1"], LATER)
    run("update identity.entity_customers set customer_id = 'c9' where source_key = 'A1'")
    with pytest.raises(StewardError, match=f"revoke {first.decision_id}"):
        join(["account/A1"], ["contact/C1"], HERS)
    assert join(["account/A1"], ["contact/C1"], LATER).is_new
    run("update identity.entity_customers set customer_id = 'c1' where source_key = 'A1'")
    third = split(["account/A1"], ["contact/C1"], LATER)
    assert third.is_new
    assert third.decision_id != first.decision_id


def test_the_form_keeps_a_decision_and_builds_the_newest_day_that_was_built(company):
    form = ("split", ["account/A1"], ["contact/C1"], "dora", "she called")
    assert carry_out(*form, DAY).built_day == DAY
    later = DAY + timedelta(days=3)
    run(
        "insert into quality.gate_results (gate, as_of, expectation, severity, success)"
        " values ('marts.customers', %s, 'e', 'critical', true)",
        (later,),
    )
    try:
        again = carry_out(*form, DAY)
    finally:
        run("delete from quality.gate_results")
    assert again.built_day == later
    assert "stood already" in again.summary and "A1" not in again.summary
    with pytest.raises(StewardError, match="Verbs: split, join"):
        carry_out("merge", *form[1:])


def test_the_parts_of_a_suspicious_cluster_may_be_split_for_good(company):
    given.add(given.person("account", "A1", 0), given.person("contact", "C2", 0))
    ids = [name for (name,) in rows("select record_id from identity.person_records order by source_key")]
    with pytest.raises(StewardError, match="are two customers"):
        split(["account/A1"], ["contact/C2"], HERS)
    run("insert into identity.person_suspicious values ('x', 'bridge', %s, %s, 9, 2, %s)", (*ids, json.dumps(ids)))
    assert split(["account/A1"], ["contact/C2"], HERS).is_new
