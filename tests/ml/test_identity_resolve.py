"""From person records to customers: the same whatever the way there, and twice changes nothing."""

import hashlib

import pytest

from ml.identity.resolve import resolve
from runtime.warehouse import transaction
from tests.ml import person_records as given
from tests.ml.person_records import add, crowd, customers, day, person, record, rows, state


@pytest.fixture
def records(warehouse, tmp_path):
    """The empty table of person records; yield the file of the cache."""
    given.make()
    yield tmp_path / "person.duckdb"
    given.remove()


def run(number, file=None):
    """Resolve a day in a transaction of its own."""
    with transaction() as connection:
        return resolve(connection, day(number), file)


def minted(kind, key):
    """The id that an entity would found."""
    return "c" + hashlib.md5(f"cxloop/{kind}/{key}".encode()).hexdigest()[:16]


def test_one_person_is_one_customer_named_by_the_entity_known_first(records):
    add(person("account", "a1", 2), person("contact", "7", 0, card_key="k1"), record("card", "k1", 1, card_key="k1"))
    add(person("account", "a2", 0, "grace hopper"), record("card", "k2", 0, card_key="k2"))
    found = run(3, records)
    assert customers() == {
        **dict.fromkeys(("account/a1", "contact/7", "card/k1"), minted("contact", "7")),
        "account/a2": minted("account", "a2"),
        "card/k2": minted("card", "k2"),
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
    everything = crowd(420, 8)
    late = everything[::7]
    add(*[one for one in everything if one not in late])
    for number in (0, 1, 3, 5, 8):
        run(number, records)
    add(*late)
    last = run(8, records)
    by_days = state("entity_customers", "person_edges", "person_clusters")
    assert last.learned_date is not None
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
