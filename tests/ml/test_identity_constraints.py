"""What stewards decided and verified birth dates say stands above evidence, in every run after."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.identity.constraints import unite
from ml.identity.partition import partition
from ml.identity.resolve import resolve
from runtime.warehouse import transaction
from tests.ml.person_records import add, customers, day, execute, minted, person, record, rows

A, B, C, CARD = "account/a", "contact/b", "account/c", "card/k"


def run(number, file=None):
    """Resolve a day; give the run and each entity's customer."""
    with transaction() as connection:
        found = resolve(connection, day(number), file)
    return found, customers()


def decide(verb, one, other, number):
    """Let a steward decide about two entities; give the decision's id."""
    ((decision,),) = rows(
        """with decided as (
            insert into identity.steward_decisions (verb, reason, decided_by, decided_date)
            values (%s, 'they said so', 'a steward', %s) returning decision_id
        )
        insert into identity.steward_pairs
        select decision_id, %s, %s, %s, %s from decided returning decision_id""",
        (verb, day(number), *one.split("/"), *other.split("/")),
    )
    return decision


def revoke(decision, number):
    """Take a decision back."""
    execute("update identity.steward_decisions set revoked_date = %s where decision_id = %s", (day(number), decision))


@pytest.fixture
def two(records):
    """One person by the rules: an account, a contact and its card, and an account of another name; yield the cache."""
    add(person("account", "a", 0), person("contact", "b", 1, card_key="k"), record("card", "k", 1, card_key="k"))
    add(person("account", "c", 2, "grace hopper"))
    return records


def test_a_split_gives_both_their_own_ids_back_and_survives_later_runs(two):
    assert run(2, two)[1] == {A: minted(A), B: minted(A), CARD: minted(A), C: minted(C)}
    decide("split", CARD, A, 3)
    apart = {A: minted(A), B: minted(B), CARD: minted(B), C: minted(C)}
    assert run(3, two)[1] == apart
    assert rows("select distinct reason from identity.customer_history where run = %s", (day(3),)) == [("split",)]
    add(person("account", "a2", 4), person("contact", "b", 4, card_key="k", town="elsewhere"))
    found, now = run(5, two)
    assert {name: now[name] for name in apart} == apart and found.split == 0
    assert run(2, two)[1][B] == minted(A), "before the decision nothing was split"
    assert run(5, two)[1] == now


def test_the_newest_decision_about_a_pair_wins_and_a_revoked_one_never_was(two):
    split = decide("split", A, B, 3)
    assert run(3, two)[1][B] == minted(B)
    join = decide("join", B, A, 4)
    assert run(4, two)[1][B] == minted(A)
    revoke(join, 5)
    assert run(5, two)[1][B] == minted(B)
    revoke(split, 6)
    assert run(6, two)[1] == {A: minted(A), B: minted(A), CARD: minted(A), C: minted(C)}


def test_a_join_unites_what_no_evidence_does_with_all_that_is_theirs(two):
    run(2, two)
    join = decide("join", C, CARD, 3)
    found, now = run(3, two)
    assert set(now.values()) == {minted(A)} and found.merged == 1
    add(person("account", "c2", 4, "grace hopper"))
    assert set(run(4, two)[1].values()) == {minted(A)}
    revoke(join, 5)
    assert run(5, two)[1]["account/c2"] == minted(C)


def test_a_lone_card_can_be_joined(two):
    add(record("card", "lone", 0, card_key="lone"))
    decide("join", "card/lone", C, 3)
    assert run(3, two)[1][C] == minted("card/lone")


def test_a_join_does_not_bring_together_what_a_later_split_keeps_apart(two):
    decide("join", C, B, 3)
    decide("split", C, A, 4)
    found, now = run(4, two)
    assert (now[A], now[B], now[C]) == (minted(A), minted(A), minted(C))
    assert found.refused == 1 and "1 joins refused" in found.summary()


def decided(*told: tuple) -> pd.DataFrame:
    """Write decisions, newest first."""
    return pd.DataFrame(told, columns=["verb", "age", "left_id", "right_id"])


def test_joins_chain_newest_first():
    united, refused = unite(decided(("join", 3, "b", "c"), ("split", 2, "a", "c"), ("join", 1, "a", "b")), {})
    assert united.values.tolist() == [["c", "b"]] and refused == 1
    united, refused = unite(decided(("join", 3, "b", "c"), ("join", 2, "a", "b"), ("split", 1, "a", "c")), {})
    assert united.values.tolist() == [["b", "a"], ["c", "a"]] and refused == 0


def verified(kind, key, known, born, **told):
    """Describe an entity with a verified birth date."""
    return person(kind, key, known, born=born, is_birth_date_verified=True, **told)


ONE, OTHER = date(1980, 1, 1), date(1981, 2, 2)


def test_two_verified_birth_dates_are_never_one_person_in_any_order_nor_by_a_join(records):
    add(verified("account", "a", 0, ONE), verified("contact", "b", 3, OTHER), person("account", "c", 1))
    assert run(2, records)[1] == {A: minted(A), C: minted(A)}
    now = run(3, records)[1]
    assert now[A] != now[B] and now[C] in (now[A], now[B])
    decide("join", A, B, 4)
    found, after = run(4, records)
    assert after == now and found.refused == 1
    assert run(4)[1] == now


def test_unverified_dates_do_not_forbid_and_the_newest_verified_date_of_an_entity_counts(records):
    add(verified("account", "a", 0, ONE), verified("contact", "b", 1, OTHER), person("account", "c", 1, born=OTHER))
    now = run(1, records)[1]
    assert now[B] == now[C] != now[A]
    add(verified("account", "a", 2, OTHER))
    assert set(run(2, records)[1].values()) == {minted(A)}


def test_a_cluster_never_holds_two_functional_values():
    left, right = np.array([0, 1, 0]), np.array([1, 2, 2])
    told = np.array(["1980", None, "1981"], dtype=object)
    labels = partition(3, left, right, np.array([9.0, 8.0, 7.0]), functional=told).label
    assert labels.tolist() == [0, 0, 2]
