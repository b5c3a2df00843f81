"""The gate on messages lets a read day pass, refuses each kind of damage, and asks nothing where nobody writes."""

import pytest

from tests.expectations.conftest import day
from tests.expectations.tables import TODAY

GATE = "scores.message_intents"
WORDS = """
    create table staging.stg_service__messages (
        message_id text, ticket_id text, direction text, message text, known_date date
    );
    create table staging.stg_service__tickets (
        ticket_id text, is_test boolean, known_date date, updated_at timestamptz, batch_id text, source_row int
    );
    create table vocabulary.message_intents (intent_id text, is_complaint boolean);
    insert into vocabulary.message_intents values ('track', false), ('complain_delivery', true);
    insert into staging.stg_service__tickets
    select 't' || n, n = 3, '2017-12-08', '2017-12-08 08:00:00Z', 'b', n from generate_series(1, 3) n;
    insert into staging.stg_service__messages
    select 't' || n || '-1', 't' || n, 'in', 'Wo bleibt es?', '2017-12-08'::date + (n > 1)::int
    from generate_series(1, 3) n;
    insert into staging.stg_service__messages values ('t1-2', 't1', 'out', 'Guten Tag', '2017-12-09');
"""
PROMOTED = """
    insert into scores.model_history values ('cx_message_intent', '1', 'champion', '2017-12-08', 'rule', 'good', '{}')
"""
READ = """
    insert into scores.message_intents
    select 't' || n || '-1', 't' || n, '2017-12-08'::date + (n > 1)::int, i.intent, i.share, i.share > 0.5,
        i.share > 0.5, true, false, -0.2, 0.1, 'de', 'cx_message_intent', '1', '2017-12-10 05:00:00Z'
    from generate_series(1, 2) n
    cross join (values ('track', 0.75), ('complain_delivery', 0.25)) i (intent, share)
"""


@pytest.fixture
def written(house):
    """Two tickets with a message each, a tester's, and an answer of ours."""
    house.run(WORDS)
    return house


@pytest.fixture
def read(written):
    """A champion that has read what customers wrote."""
    written.run(PROMOTED)
    written.run(READ)
    return written


def test_a_day_that_was_read_passes_and_begins_with_freshness(read):
    result = read.check(GATE, TODAY)
    assert (result.failed, result.warned) == (0, 0)
    assert result.findings[0].expectation == "the_newest_message_is_read"
    before = read.left_behind()
    read.check(GATE, TODAY)
    assert read.left_behind() == before


def test_a_company_without_messages_passes(house):
    house.run("create table vocabulary.message_intents (intent_id text, is_complaint boolean)")
    result = house.check(GATE, TODAY)
    assert result.failed == 0
    assert result.findings[0].observed == "scores.message_intents: no department hands over messages"


def test_before_a_model_has_earned_it_nothing_has_to_be_read(written):
    assert not written.failed(GATE, TODAY)


@pytest.mark.parametrize(
    ("expectation", "damage"),
    [
        ("the_newest_message_is_read", "delete from scores.message_intents where message_id = 't2-1'"),
        ("every_message_is_read", "delete from scores.message_intents where message_id = 't1-1'"),
        ("intents_of_a_message_sum_to_one", "update scores.message_intents set probability = 0.8 where is_top"),
        ("intents_of_a_message_sum_to_one", "update scores.message_intents set is_top = false"),
        ("intents_of_a_message_sum_to_one", "update scores.message_intents set is_top = true"),
        ("intents_of_messages_are_known", "delete from vocabulary.message_intents where intent_id = 'track'"),
    ],
)
def test_each_critical_rule_refuses_its_damage(read, expectation, damage):
    read.run(damage)
    assert expectation in read.failed(GATE, TODAY)


@pytest.mark.parametrize("column", ["probability", "sentiment", "urgency"])
def test_what_is_no_number_in_range_is_refused(read, column):
    read.run(f"alter table scores.message_intents drop constraint message_intents_{column}_check")
    read.run(f"update scores.message_intents set {column} = 'NaN' where is_top")
    assert "readings_are_in_range" in read.failed(GATE, TODAY)


def test_a_model_that_suddenly_leaves_everything_to_humans_is_noticed(read):
    read.run("""
        insert into scores.message_intents
        select 'old-' || n || '-' || d, 'old', d, 'track', 1, true, true, true, d = '2017-12-09', 0, 0, 'de',
            'cx_message_intent', '1', '2017-12-10 05:00:00Z'
        from generate_series(1, 250) n, (values (date '2017-12-07'), ('2017-12-09')) day (d)
    """)
    assert "messages_for_humans_do_not_drift" in read.failed(GATE, TODAY, "warning")
    assert not read.failed(GATE, day(7), "warning")
