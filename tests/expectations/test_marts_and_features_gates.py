"""The gates on marts and features let a sound day pass and refuse each kind of damage."""

import pytest

from tests.expectations.conftest import day
from tests.expectations.tables import TODAY, lay_out

MARTS, FEATURES = "marts.customers", "features.customer_features"


@pytest.fixture
def sound(house):
    """Two customers whose marts and features are right."""
    lay_out(house)
    return house


@pytest.mark.parametrize("gate", [MARTS, FEATURES])
def test_a_sound_day_passes_and_begins_with_freshness(sound, gate):
    result = sound.check(gate, TODAY)
    assert (result.failed, result.warned) == (0, 0)
    assert "reach_as_of" in result.findings[0].expectation


@pytest.mark.parametrize("gate", [MARTS, FEATURES])
def test_running_twice_changes_nothing(sound, gate):
    sound.check(gate, TODAY)
    before = sound.left_behind()
    sound.check(gate, TODAY)
    assert sound.left_behind() == before


@pytest.mark.parametrize(
    ("damage", "expectation"),
    [
        ("update marts.contact_pressure set as_of_date = '2017-12-08'", "marts_reach_as_of"),
        ("delete from marts.contact_pressure", "marts_reach_as_of"),
        ("update marts.basket_lines set known_date = '2017-12-10'", "marts_reach_as_of"),
        ("delete from marts.customers where customer_id = 'c2'", "every_known_person_is_a_customer"),
        ("delete from identity.customer_ids where customer_id = 'c2'", "every_known_person_is_a_customer"),
        ("insert into marts.customers select * from marts.customers where customer_id = 'c1'", "is_unique"),
        ("update marts.customers set loyalty_number = '7'", "is_unique"),
        ("update marts.customers set customer_id = null where customer_id = 'c2'", "is_known"),
        ("update marts.customers set first_known_date = null where customer_id = 'c2'", "is_known"),
        ("update marts.customers set spend_eur = spend_eur + 0.02 where customer_id = 'c1'", "spend_reconciles"),
        ("delete from marts.basket_lines where basket_id = '3'", "till_lines_reconcile"),
        ("insert into marts.basket_lines select * from marts.basket_lines limit 1", "till_lines_reconcile"),
    ],
)
def test_each_critical_rule_on_marts_refuses_its_damage(sound, damage, expectation):
    sound.run(damage)
    assert expectation in sound.failed(MARTS, TODAY)


def test_customers_never_become_fewer_than_on_any_day_before(sound):
    sound.check(MARTS, TODAY)
    sound.run("delete from marts.customers where customer_id = 'c2'")
    sound.run("delete from identity.customer_ids where customer_id = 'c2'")
    for later in (10, 11):
        assert "customers_never_become_fewer" in sound.failed(MARTS, day(later))


@pytest.mark.parametrize("table", ["marts.customer_records", "marts.customers"])  # the second: a receipt of before
def test_an_erased_person_is_no_loss(sound, table):
    sound.check(MARTS, TODAY)
    sound.run("delete from marts.customers where customer_id = 'c2'")
    sound.run(f"insert into privacy.erasure_receipts values ('r', '{table}', 'deleted', 1, 0)")
    assert "customers_never_become_fewer" not in sound.failed(MARTS, day(10))


def test_rows_in_quarantine_are_accounted_for(sound):
    sound.deliver("transactions", day(5), [{"basket_id": "9", "quantity": "x"}])
    sound.check("raw.till", day(5))
    assert not sound.failed(MARTS, TODAY)
    sound.run("update quarantine.rejected_rows set status = 'released'")
    assert "till_lines_reconcile" in sound.failed(MARTS, TODAY)


def test_unknown_products_warn_and_are_kept(sound):
    sound.run("update marts.basket_lines set department = 'unknown' where basket_id = '1'")
    assert not sound.failed(MARTS, TODAY)
    assert sound.failed(MARTS, TODAY, "warning") == {"few_lines_name_unknown_products"}


@pytest.mark.parametrize(
    ("damage", "expectation"),
    [
        ("delete from features.customer_features where as_of_date = '2017-12-09'", "features_reach_as_of"),
        ("update features.customer_features set as_of_date = as_of_date + 1", "features_reach_as_of"),
        (
            "delete from features.customer_features where as_of_date = '2017-12-09' and customer_id = 'c1'",
            "every_customer_has_features_once",
        ),
        (
            "insert into features.customer_features select * from features.customer_features",
            "every_customer_has_features_once",
        ),
        ("delete from marts.customers where customer_id = 'c1'", "every_customer_has_features_once"),
        ("update features.customer_features set till_data_age_days = null", "facts_of_everybody_are_known"),
        ("update features.customer_features set recency_days = -1 where customer_id = 'c1'", "numbers_are_in_range"),
        ("update features.customer_features set discount_share_84d = 1.01", "numbers_are_in_range"),
        ("update features.customer_features set spend_eur_84d = -5", "numbers_are_in_range"),
    ],
)
def test_each_critical_rule_on_features_refuses_its_damage(sound, damage, expectation):
    sound.run(damage)
    assert expectation in sound.failed(FEATURES, TODAY)


@pytest.mark.parametrize(
    ("change", "expectation"),
    [
        ("update features.customer_features set recency_days = null", "few_customers_have_no_purchase"),
        (
            "update features.customer_features set spend_eur_84d = 9000 where as_of_date = '2017-12-09'",
            "numbers_do_not_drift",
        ),
    ],
)
def test_unusual_features_only_warn(sound, change, expectation):
    sound.run(change)
    assert not sound.failed(FEATURES, TODAY)
    assert sound.failed(FEATURES, TODAY, "warning") == {expectation}


def test_before_anything_was_published_every_expectation_looks_at_the_side_that_was_built(sound):
    """The first build of a platform: marts shows nothing yet, and a duplicate must be seen where it was built."""
    tables = [name for (name,) in sound.rows("select tablename from pg_tables where schemaname = 'marts'")]
    for table in tables:
        sound.run(f"alter table marts.{table} set schema marts_blue")
    sound.run("insert into activation.marts_sides values (null, 'marts_blue')")
    try:
        assert sound.check(MARTS, TODAY).failed == 0
        sound.run("insert into marts_blue.customers select * from marts_blue.customers where customer_id = 'c1'")
        assert "is_unique" in sound.failed(MARTS, TODAY)
    finally:
        sound.run("delete from activation.marts_sides")
        for table in tables:
            sound.run(f"alter table marts_blue.{table} set schema marts")
