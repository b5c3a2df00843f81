"""What went out for a wrong person is listed, once, from the day the person was wrong until the day that ended."""

from datetime import date, timedelta

import pytest

from ml.identity.retractions import list_retractions, note_retractions_of_day
from runtime.warehouse import transaction
from tests.ml.company import close
from tests.ml.steward_tables import BEFORE, DAY, customers, identity_tables, move, rows, run

DECIDED = """
    insert into decisions.decision_ledger
    select md5(customer || day), customer, day, 'policy', '[{"action_id": "no_action", "propensity": 1}]', '{}', '{}',
        42, 0.5, 'no_action', 'none', 1, 0, day, day, day, 'p1', 'm', '1', 'i', '1', day
    from unnest(%s::text[]) as customer, unnest(%s::date[]) as day
"""
SCORED = """
    insert into scores.intent_scores
    select customer, day, 'lapse', 0.5, 0.5, true, false, day, 'i', '1', day
    from unnest(%s::text[]) as customer, unnest(%s::date[]) as day
"""


@pytest.fixture
def company(warehouse):
    """c1 holds A1 and wrongly A2; c3 holds A3. Each was decided on for three days, of which two were published."""
    with identity_tables():
        customers(("account/A1", "c1"), ("account/A2", "c1"), ("account/A3", "c3"))
        for day in days(-3, -2, -1):
            decide(day)
            run("insert into activation.publications values (%s, 1, 1, 'x')", (day,))
        run("delete from activation.publications where as_of = %s", days(-3))
        yield
    with transaction() as connection:
        close(connection)


def days(*numbers: int) -> list[date]:
    return [DAY + timedelta(days=number) for number in numbers]


def decide(day: date) -> None:
    for statement in (DECIDED, SCORED):
        run(statement, (["c1", "c3"], [day]))


def listed(what: str = "decision") -> list[tuple]:
    return rows(
        "select customer_id, source_key, decided_date from identity.retractions where what = %s order by 1, 2, 3",
        (what,),
    )


def test_a_split_lists_what_was_decided_while_the_two_were_one(company):
    move("account/A2", "c2", "split")
    noted = note_retractions_of_day(DAY)
    assert (noted.moves, noted.listed, noted.taken_back) == (1, 7, 0)
    assert listed() == [("c1", "A2", day) for day in days(-3, -2, -1)]
    assert listed("published action") == listed("published intents") == [("c1", "A2", day) for day in days(-2, -1)]
    assert rows("select distinct since, moved_date, reason from identity.retractions") == [(BEFORE, DAY, "split")]


def test_a_merge_lists_what_was_decided_for_either(company):
    move("account/A3", "c1", "merged")
    note_retractions_of_day(DAY)
    assert listed() == [(customer, "A3", day) for customer in ("c1", "c3") for day in days(-3, -2, -1)]


def test_only_what_was_decided_since_the_entity_was_with_the_wrong_customer(company):
    run("update identity.customer_history set valid_from = %s where source_key = 'A2'", days(-2))
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    assert listed() == [("c1", "A2", day) for day in days(-2, -1)]


def test_twice_is_once_and_the_days_own_decisions_made_after_it_are_right(company):
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    decide(DAY)
    again = note_retractions_of_day(DAY)
    assert (again.listed, again.taken_back) == (0, 0)
    assert len(listed()) == 3


@pytest.fixture
def decided_today(company):
    """The day was built, decided and published; A4 and A5 came that day, A4 to c1."""
    customers(("account/A4", "c1"), ("account/A5", "c5"))
    run("update identity.customer_history set valid_from = %s where source_key in ('A4', 'A5')", (DAY,))
    note_retractions_of_day(DAY)
    decide(DAY)
    run("insert into activation.publications values (%s, 1, 1, 'x')", (DAY,))
    assert listed() == []


def test_decisions_of_the_day_are_wrong_if_it_is_built_again_after_a_split(decided_today):
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    assert listed("published action")[-1] == listed()[-1] == ("c1", "A2", DAY)
    assert note_retractions_of_day(DAY).listed == 0


def test_who_came_that_day_and_was_split_off_again_was_a_wrong_person_for_that_day_only(decided_today):
    run("update identity.customer_history set customer_id = 'c4' where source_key = 'A4'")
    run("update identity.entity_customers set customer_id = 'c4' where source_key = 'A4'")
    note_retractions_of_day(DAY)
    assert listed() == [("c1", "A4", DAY)]
    assert rows("select distinct reason, since from identity.retractions") == [("split", DAY)]


def test_a_decision_revoked_on_the_same_day_takes_the_day_off_the_list(decided_today):
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    take_back("A2", "c1")
    assert note_retractions_of_day(DAY).listed == 0
    assert listed() == []


def take_back(key: str, customer: str) -> None:
    """Let a day's move be none."""
    run("delete from identity.customer_history where valid_from = %s and source_key = %s", (DAY, key))
    run("update identity.customer_history set valid_until = null where source_key = %s", (key,))
    run("update identity.entity_customers set customer_id = %s where source_key = %s", (customer, key))


def test_what_was_taken_back_by_another_run_of_the_day_is_off_the_list(company):
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    take_back("A2", "c1")
    assert note_retractions_of_day(DAY).taken_back == 7
    assert list_retractions() == []


def test_playing_an_earlier_day_again_and_forward_lists_nothing_more(company):
    """On DAY both c1 and c3 became one; the decisions of DAY were made after that."""
    move("account/A3", "c1", "merged")
    note_retractions_of_day(DAY)
    decide(DAY)
    before = rows("select * from identity.retractions order by 1, 2, 3, 4, 5")
    take_back("A3", "c3")
    note_retractions_of_day(days(-1)[0])
    move("account/A3", "c1", "merged")
    note_retractions_of_day(DAY)
    assert rows("select * from identity.retractions order by 1, 2, 3, 4, 5") == before


def test_an_earlier_days_moves_stay_listed_when_a_later_day_is_noted(company):
    move("account/A2", "c2", "split", days(-1)[0])
    note_retractions_of_day(days(-1)[0])
    before = listed()
    move("account/A3", "c1", "merged")
    note_retractions_of_day(DAY)
    assert set(before) < set(listed())


def test_who_is_new_or_gone_was_no_wrong_person(company):
    customers(("account/A4", "c4"))
    run("update identity.customer_history set valid_until = %s where source_key = 'A3'", (DAY,))
    noted = note_retractions_of_day(DAY)
    assert (noted.moves, noted.listed) == (0, 0)


def test_the_list_says_what_channels_still_read(company):
    move("account/A2", "c2", "split")
    note_retractions_of_day(DAY)
    (decision_id,) = rows("select md5('c1' || %s::date)", days(-1))[0]
    run(
        "insert into activation.next_best_actions values ('c1', 1, 'a', 'none', 0, null, null, false, null, 'r', 'r',"
        " %s, %s, %s, %s, 'p1', 'm', '1', %s, %s)",
        (decision_id, *days(-1, -1, -1, -1, -1)),
    )
    live = [row[:4] for row in list_retractions() if row[-1]]
    assert live == [("published action", decision_id, "c1", "account/A2")]
    assert list_retractions(since=days(1)[0]) == []
