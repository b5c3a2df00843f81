"""From person records to customers: the same whatever the way there, and twice changes nothing."""

from datetime import date

import yaml

from ml.identity import person_records
from ml.identity.person_records import load_person_records, read_person_records
from ml.identity.resolve import find, resolve
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
    """Late on purpose: some records of early days arrive after later days were resolved."""
    everything = crowd(230, 8)
    late = everything[::7]
    add(*[one for one in everything if one not in late])
    for number in (0, 1, 3, 5, 8):
        run(number, records)
    add(*late)
    last = run(8, records)
    by_days = state("entity_customers", "person_edges", "person_clusters")
    assert last.learned_date is not None and last.records > 400
    given.execute(given.EMPTY)
    run(8)
    assert state("entity_customers", "person_edges", "person_clusters") == by_days
    assert rows("select count(distinct learned_date) from identity.models") == [(1,)]


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
    sharing = [
        person("contact", f"m{number}", 0, "no reply", email="noreply@example.org", town=f"town {number}")
        for number in range(1_000)
    ]
    sharing += [
        person(
            "account",
            f"p{number}",
            0,
            f"given{chr(97 + number % 26)} name{chr(97 + number // 26)}x{number}",
            phone="+4930123456",
            born=date(1950 + number % 50, 1 + number % 12, 1 + number % 28),
        )
        for number in range(500)
    ]
    add(*sharing)
    found = run(0, records)
    assert found.learned_date is not None
    assert found.customers == 1_500
    assert ("email + given_name + surname",) in rows("select rule from identity.person_held")
    assert found.held == rows("select count(*) from identity.person_held")[0][0] > 0


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


def test_other_rules_can_be_tried_and_touch_only_whom_they_concern(records):
    add(*crowd(150, 4), person("account", "twin", 0, email="other@example.org"), person("contact", "9", 1))
    run(4, records)
    before, content = state(), yaml.safe_load(person_records.FILE.read_text())
    with transaction() as connection:
        same = find(connection, day(4))
        others = find(connection, day(4), read_person_records({**content, "rules": [["given_name", "surname"]]}))
        strict = find(connection, day(4), read_person_records({**content, "rules": [], "false_merge_costs": 1e9}))
        tables = read_frame(connection, "select relname from pg_class where relname like 'tried%'")
    assert state() == before
    assert tables.empty
    assert same.astype(str).values.tolist() == state("entity_customers")["entity_customers"]
    whose = {(kind, key): customer for kind, key, customer, *_ in same.itertuples(index=False)}
    tried = {(kind, key): customer for kind, key, customer, *_ in others.itertuples(index=False)}
    assert tried["account", "twin"] == tried["contact", "9"] != whose["contact", "9"]
    assert strict["customer_id"].nunique() > same["customer_id"].nunique()


def test_a_changed_rule_leaves_the_ids_of_whom_it_does_not_concern(records, tmp_path, monkeypatch):
    add(*crowd(150, 4), person("account", "twin", 0, email="other@example.org"), person("contact", "9", 1))
    run(4, records)
    before = customers()
    content = yaml.safe_load(person_records.FILE.read_text())
    changed = tmp_path / "changed.yml"
    changed.write_text(yaml.safe_dump({**content, "rules": [["given_name", "surname"], *content["rules"]]}))
    monkeypatch.setattr("ml.identity.resolve.load_person_records", lambda: load_person_records(changed))
    run(5, records)
    after = customers()
    clusters = lambda ids: {}  # placeholder
