"""From person records to customers: the same whatever the way there, and twice changes nothing."""

import hashlib
import signal
import subprocess
import sys
from datetime import date, timedelta

import pytest
import yaml

from ml.identity import person_records, publish
from ml.identity.mapping import MappingError
from ml.identity.person_records import PersonRecords, load_person_records, read_person_records
from ml.identity.resolve import ResolveError, find, resolve, resolve_customers
from ml.identity.store import TABLES
from runtime.settings import ROOT, settings
from runtime.warehouse import read_frame, transaction
from tests.ml import person_records as given
from tests.ml.person_records import add, crowd, customers, day, execute, minted, person, record, rows, state


def run(number, file=None):
    """Resolve a day in a transaction of its own."""
    with transaction() as connection:
        return resolve(connection, day(number), file)


def test_one_person_is_one_customer_named_by_the_entity_known_first(records):
    add(person("account", "a1", 2), person("contact", "7", 0, card_key="k1"), record("card", "k1", 1, card_key="k1"))
    add(person("account", "a2", 0, "grace hopper"), record("card", "k2", 0, card_key="k2"))
    found = run(3, records)
    assert customers() == {
        **dict.fromkeys(("account/a1", "contact/7", "card/k1"), minted("contact/7")),
        "account/a2": minted("account/a2"),
        "card/k2": minted("card/k2"),
    }
    assert rows("select source_key from identity.entity_customers where is_founder order by 1") == [
        ("7",),
        ("a2",),
        ("k2",),
    ]
    assert (found.records, found.entities, found.customers, found.new) == (3, 5, 3, 5)
    assert "ada" not in found.summary() and "rules only" in found.summary()


def test_twice_changes_nothing(records):
    add(*crowd(200, 6))
    for number in (3, 6):
        run(number, records)
    before = state()
    versions = "select xmin::text, ctid::text from identity.{} order by 2"
    untouched = {name: rows(versions.format(name)) for name in given.RESULTS}
    assert len(before["models"]) >= 1 and len(before["moved_customers"]) > 5
    run(6, records)
    assert state() == before
    assert {name: rows(versions.format(name)) for name in given.RESULTS} == untouched


def test_days_in_any_order_end_as_one_full_run(records):
    """Late on purpose: some records of early days arrive after later days were resolved, and some are erased."""
    everything = crowd(230, 8)
    late = everything[::7]
    add(*[one for one in everything if one not in late])
    for number in (0, 1, 3, 5, 8):
        run(number, records)
    add(*late)
    execute("delete from identity.person_records where entity_id in ('account/r7919', 'contact/r15838')")
    execute("delete from identity.person_records where town = 'a town' and source_key ~ '5$'")
    last = run(8, records)
    by_days = state("entity_customers", "person_edges", "person_clusters")
    assert last.learned_date is not None and last.records > 400
    given.execute(given.EMPTY)
    run(8)
    assert state("entity_customers", "person_edges", "person_clusters") == by_days
    assert rows("select count(distinct learned_date) from identity.models") == [(1,)]


@pytest.mark.parametrize("number", [1, 4])
def test_increments_that_take_records_away_end_as_a_run_without_them(records, number):
    """By an erasure, and by a step back to an earlier day."""
    add(*crowd(60, 3))
    run(3, records)
    execute("delete from identity.person_records where source_key ~ '[37]$' or town = 'a town' and source_key ~ '5$'")
    assert (run(number, records).gone > 0) == (number == 4)
    ends = state("entity_customers", "person_edges", "person_clusters", "person_state")
    execute(given.EMPTY)
    run(number)
    assert state(*ends) == ends


def test_a_day_played_again_and_forward_ends_as_before(records):
    add(*crowd(200, 8))
    for number in (0, 2, 4, 6, 8):
        run(number, records)
    before = state("entity_customers", "customer_history", "models")
    assert {"new", "merged"} <= {row[-2] for row in before["customer_history"]}
    for number in (4, 6, 8):
        run(number, records)
    assert state("entity_customers", "customer_history", "models") == before


def test_values_that_many_share_merge_nobody_and_are_listed(records):
    """A thousand people with a shop's noreply@ and five hundred with the number of a switchboard, among others."""
    add(*crowd(60, 1))
    shared = [{"email": "noreply@example.org"}] * 1_000 + [{"phone": "+4930123456"}] * 500
    sharing = []
    for number, told in enumerate(shared):
        letters = hashlib.md5(str(number).encode()).hexdigest().translate(str.maketrans("0123456789", "ghijklmnop"))
        name, born = f"{letters[:7]} {letters[7:16]}", date(1930, 1, 1) + timedelta(days=number * 7919 % 25_000)
        sharing.append(person("contact", f"m{number}", 0, name, **{"email": None, "born": born, **told}))
    sharing += [person("account", f"n{number}", 0, "no reply", email="noreply@example.org") for number in range(11)]
    add(*sharing)
    found = run(1, records)
    assert found.learned_date is not None
    alone = "select count(distinct customer_id) from identity.entity_customers where source_key ~ '^[mn][0-9]'"
    assert rows(alone) == [(1_511,)]
    assert ("email + given_name + surname",) in rows("select rule from identity.person_held")
    assert found.held == rows("select count(*) from identity.person_held")[0][0]


def test_below_the_first_learning_day_only_rules_link_and_held_values_are_listed(records):
    add(*[person("account", f"a{number}", 0, "no reply", email="noreply@example.org") for number in range(11)])
    add(person("account", "b", 0), person("contact", "7", 0), person("account", "near", 0, "adda lovelace"))
    found = run(0, records)
    assert (found.customers, found.held, found.learned_date) == (13, 1, None)
    assert customers()["contact/7"] == minted("account/b") != customers()["account/near"]
    assert rows("select count(*) from identity.models") == [(0,)]
    assert rows("select records, rule from identity.person_held") == [(11, "email + given_name + surname")]


def test_learning_days_are_when_the_records_had_doubled_and_a_late_file_of_the_past_is_learned_from(records):
    mapping = load_person_records()
    everything = crowd(300, 4)
    add(*everything)
    found = run(9, records)
    counts = [
        (day(number), sum(one["known_date"] <= day(number) and one["entity_kind"] != "card" for one in everything))
        for number in range(5)
    ]
    first = next(pair for pair in counts if pair[1] >= 2 * mapping.learn_from)
    assert found.learned_date == first[0]
    assert rows("select learned_date, records from identity.models") == [first]
    add(person("account", "late", 0))
    again = run(9, records)
    assert again.model != found.model
    assert rows("select learned_date, records, model_id from identity.models") == [
        (first[0], first[1] + 1, again.model)
    ]
    execute("delete from identity.person_records where source_key = 'late'")
    assert run(9, records).model == again.model, "what was erased does not unlearn"


TWINS = (person("account", "twin", 0, "zoe quux", email="other@example.org"), person("contact", "9", 1, "zoe quux"))


def test_other_rules_can_be_tried_and_write_nothing(records):
    add(*crowd(60, 4), *TWINS)
    run(4, records)
    before = state()
    with transaction() as connection:
        same = find(connection, day(4))
        others = find(connection, day(4), changed(rules=[["given_name", "surname"]]))
        strict = find(connection, day(4), changed(rules=[]))
        tables = read_frame(connection, "select relname from pg_class where relname like 'tried%'")
    assert state() == before
    assert tables.empty
    assert same.astype(str).values.tolist() == before["entity_customers"]
    tried = others.set_index(["entity_kind", "source_key"])["customer_id"]
    assert tried["account", "twin"] == tried["contact", "9"] != customers()["contact/9"]
    assert strict["customer_id"].nunique() > same["customer_id"].nunique()


def changed(**others) -> PersonRecords:
    """Read the rules of the platform with some of them changed."""
    return read_person_records({**yaml.safe_load(person_records.FILE.read_text()), **others})


def members() -> dict[str, tuple[str, frozenset]]:
    """Give each entity's customer and all who are the same."""
    ids = customers()
    whole = {one: frozenset(entity for entity, customer in ids.items() if customer == one) for one in ids.values()}
    return {entity: (customer, whole[customer]) for entity, customer in ids.items()}


def test_a_changed_rule_leaves_the_ids_of_whom_it_does_not_concern(records):
    add(*crowd(140, 4), *TWINS)
    assert run(4, records).learned_date is not None
    before = members()
    with transaction() as connection:
        resolve(connection, day(5), records, changed(rules=[["given_name", "surname"]]))
    after = members()
    unaffected = [entity for entity in before if before[entity][1] == after[entity][1]]
    assert 0.8 * len(before) < len(unaffected) < len(before)
    assert all(before[entity] == after[entity] for entity in unaffected)
    moved = [entity for entity in before if before[entity][0] != after[entity][0]]
    assert state("moved_customers")["moved_customers"] == [
        [customer, str(day(5))] for customer in sorted({one[entity][0] for entity in moved for one in (before, after)})
    ]


KILLED = """
import os, signal, sys
from datetime import date, timedelta
from pathlib import Path
from ml.identity.resolve import resolve
from runtime.warehouse import transaction
with transaction() as connection:
    resolve(connection, date.fromisoformat(sys.argv[1]), Path(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_killed_before_it_commits_leaves_the_last_state_and_the_next_completes(records):
    add(*crowd(60, 4))
    run(3, records)
    before, kept = state(), records.read_bytes()
    command = [sys.executable, "-c", KILLED, str(day(4)), str(records)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert state() == before
    assert records.read_bytes() != kept, "the cache is ahead"
    run(4, records)
    ends = state(*(name for name in given.RESULTS if name not in ("customer_history", "moved_customers", "models")))
    assert ends["entity_customers"] != before["entity_customers"]
    execute(given.EMPTY)
    run(4)
    assert state(*ends) == ends


def test_without_records_nothing_is_written_and_without_their_table_it_says_what_to_do(records):
    add(person("account", "a", 5))
    found = run(4)
    assert "nothing to resolve" in found.summary()
    assert not any(state().values())
    run(5)
    assert run(4).entities == 0 and not customers(), "before its first day nobody was known"
    assert run(5).new == 1
    execute("drop table identity.person_records")
    with pytest.raises(ResolveError, match="build_evidence"):
        run(5)
    given.make()


def test_the_daily_run_keeps_its_cache_private_under_the_home(records):
    add(*crowd(20, 2))
    assert "customers" in resolve_customers(day(2)).summary()
    folder = settings().home / "identity"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "person.duckdb").stat().st_mode & 0o077 == 0


def test_the_schema_has_the_tables_that_the_engine_makes(warehouse):
    query = """select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute
        where attrelid = %s::regclass and attnum > 0 order by attnum"""
    with transaction() as connection, connection.cursor() as cursor:
        for name, columns in TABLES.items():
            publish.make(connection, f"pg_temp.made_{name}", columns)
            described = []
            for table in (f"identity.person_{name}", f"pg_temp.made_{name}"):
                cursor.execute(query, (table,))
                described.append(cursor.fetchall())
            assert described[0] == described[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"false_merge_costs": 0}, "above 0"),
        ({"false_merge_costs": "ten"}, "a number"),
        ({"learn_from": 0.5}, "whole number"),
        ({"record_id": "no"}, "record_id"),
        ({"rules": [["shoe_size"]]}, "shoe_size"),
        ({"treshold": 4}, "treshold"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(wrong, message):
    with pytest.raises(MappingError, match=message):
        changed(**wrong)


def test_a_file_that_lacks_something_is_refused(tmp_path):
    file = tmp_path / "rules.yml"
    file.write_text("columns: {email: email}")
    with pytest.raises(MappingError, match="lack false_merge_costs, learn_from"):
        load_person_records(file)
    with pytest.raises(MappingError, match=r"none\.yml cannot be read"):
        load_person_records(tmp_path / "none.yml")
    assert load_person_records().threshold == pytest.approx(3.32, abs=0.01)
