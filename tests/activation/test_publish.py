"""Publishing shows channels one whole day or the other, and only what the score gate let through."""

import re
import threading
import time
from datetime import timedelta

import psycopg2
import pytest

from activation.publish import PublishRefused, publish
from ml.intent.promote import promote_intent
from ml.intent.score import score_intent
from ml.intent.train import train_intent
from ml.nba.decide import decide
from ml.nba.model import nba_settings
from ml.nba.promote import promote_response
from ml.nba.train import train_response
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, INTENTS, NEXT_DAY


def run(statement: str, values=None, role: str = "cx_pipeline") -> None:
    with runtime_warehouse.transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def rows(query: str, values=None, role: str = "cx_pipeline") -> list[tuple]:
    with runtime_warehouse.transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def gate(as_of, success: bool, severity: str = "critical") -> None:
    run(
        "insert into quality.gate_results (gate, as_of, expectation, severity, success, message)"
        " values ('scores.decisions', %s, %s, %s, %s, 'propensities do not sum to 1')"
        " on conflict (gate, as_of, batch, expectation, column_name) do update set success = excluded.success",
        (as_of, f"{severity} rule", severity, success),
    )


@pytest.fixture(scope="module")
def decided(company, mlflow_store):
    """Two days scored and decided; the gate has not run for either."""
    train_intent(AS_OF), train_response(AS_OF)
    promote_intent(AS_OF), promote_response(AS_OF)
    for day in (AS_OF, NEXT_DAY):
        score_intent(day)
        assert decide(day).new == CUSTOMERS


@pytest.fixture
def published(decided):
    """AS_OF is live, whatever the test before left."""
    run("delete from quality.gate_results")
    gate(AS_OF, success=True)
    publish(AS_OF, allow_older=True)


def live() -> list[tuple]:
    return rows("select distinct as_of_date from activation.next_best_actions order by 1")


def test_nothing_is_published_before_the_gate_has_run(decided):
    run("delete from quality.gate_results")
    with pytest.raises(PublishRefused, match="has not run for 2017-12-28"):
        publish(AS_OF)


def test_every_customer_gets_all_intents_and_one_chosen_action(published):
    assert rows("select count(*), count(*) filter (where is_top) from activation.intent_scores") == [
        (CUSTOMERS * len(INTENTS), CUSTOMERS)
    ]
    assert rows("select count(*) from activation.next_best_actions where rank = 1") == [(CUSTOMERS,)]
    differing = """
        select count(*) from activation.next_best_actions n join decisions.decision_ledger l using (decision_id)
        where n.rank = 1 and (n.action_id, n.customer_id) is distinct from (l.action_id, l.customer_id)
    """
    assert rows(differing) == [(0,)]
    assert rows("select valid_from, as_of_date from activation.next_best_actions limit 1") == [
        (AS_OF + timedelta(days=1), AS_OF)
    ]


def test_ranks_two_and_three_are_the_next_best_that_are_allowed(published):
    forbidden = """
        select count(*) from activation.next_best_actions n
        join decisions.decision_ledger l using (decision_id)
        cross join lateral jsonb_to_recordset(l.candidates) c(action_id text, is_eligible boolean)
        where c.action_id = n.action_id and not c.is_eligible
    """
    assert rows(forbidden) == [(0,)]
    unordered = """
        select count(*) from activation.next_best_actions a join activation.next_best_actions b
            on a.customer_id = b.customer_id and a.rank = 2 and b.rank = 3
        where a.expected_net_value_eur < b.expected_net_value_eur
    """
    assert rows(unordered) == [(0,)]
    assert rows("select count(*) > 100 from activation.next_best_actions where rank = 3") == [(True,)]
    assert rows("select max(rank) from activation.next_best_actions n join decisions.decision_ledger l"
                " using (decision_id) where l.arm = 'holdout'") == [(1,)]  # fmt: skip


def test_a_machine_says_so_and_a_human_is_handed_over_to(published):
    shown = rows("select distinct action_id, handover_to_human, ai_disclosure from activation.next_best_actions")
    assert {action for action, is_human, _ in shown if is_human} <= {"adviser_call"}
    assert all(disclosure for action, _, disclosure in shown if action not in ("adviser_call", "no_action"))


def test_a_reason_is_given_only_where_it_is_the_reason(published):
    told = """
        select l.arm, n.expected_net_value_eur < best.value as is_below, n.reason_en, n.reason_de
        from activation.next_best_actions n
        join decisions.decision_ledger l using (decision_id)
        cross join lateral (
            select max((c ->> 'expected_net_value_eur')::numeric) as value
            from jsonb_array_elements(l.candidates) c where (c ->> 'is_eligible')::boolean
        ) best
        where n.rank = 1
    """
    seen = rows(told)
    for arm, is_below, english, german in seen:
        note = "group that gets no action" if arm == "holdout" else "Drawn by chance" if is_below else None
        assert note is None or note in english
        assert note is not None or ("Drawn by chance" not in english and "Zufällig" not in german)
    assert {arm == "holdout" for arm, *_ in seen} == {True, False}
    assert any(is_below for arm, is_below, *_ in seen if arm != "holdout")


def test_reasons_are_filled_with_facts_in_both_languages(published):
    run("update vocabulary.actions set reason_en = '{intent}: {intent_percent} %%, last seen {recency_days} days ago',"
        " reason_de = 'Zuletzt vor {recency_days} Tagen' where action_id = 'coupon_campaign_a'", ())  # fmt: skip
    publish(AS_OF)
    told = rows(
        "select n.reason_en, n.reason_de, round(100 * n.intent_probability::numeric), l.facts -> 'features'"
        " from activation.next_best_actions n join decisions.decision_ledger l using (decision_id)"
        " where n.action_id = 'coupon_campaign_a' and n.reason_en not like 'Drawn by chance%%'",
        (),
    )
    assert told
    for english, german, percent, facts in told:
        days = round(facts["recency_days"])
        assert english == f"Redeems an offer: {percent} %, last seen {days} days ago"
        assert german == f"Zuletzt vor {days} Tagen"
    assert rows("select count(*) from activation.next_best_actions where reason_en || reason_de ~ '[{}]'") == [(0,)]


def test_publishing_twice_changes_nothing(published):
    before = checksums(["activation"])
    first = publish(AS_OF)
    assert publish(AS_OF) == first
    assert checksums(["activation"]) == before


def test_the_checksum_tells_a_changed_row(published):
    first = publish(AS_OF)
    run("update vocabulary.actions set reason_en = reason_en || ' (reworded)' where action_id = 'no_action'")
    assert publish(AS_OF).checksum != first.checksum


def test_the_quiet_hours_of_the_channel_stand_beside_the_action(published):
    run("insert into vocabulary.quiet_hours values ('mail', '7', '00:00', '24:00', 'UTC', 'a test', '2017-01-01')")
    publish(AS_OF)
    shown = rows("select distinct channel = 'mail', quiet_hours from activation.next_best_actions order by 1")
    run("delete from vocabulary.quiet_hours")
    assert shown == [(False, None), (True, "00:00-24:00 on 7 (UTC)")]


def test_a_failed_gate_keeps_yesterday_live(published):
    before = checksums(["activation"])
    gate(NEXT_DAY, success=False)
    with pytest.raises(PublishRefused, match="failed 1 critical .* propensities do not sum to 1"):
        publish(NEXT_DAY)
    assert checksums(["activation"]) == before and live() == [(AS_OF,)]


def test_a_warning_of_the_gate_does_not_stop_the_day(published):
    gate(NEXT_DAY, success=True)
    gate(NEXT_DAY, success=False, severity="warning")
    publish(NEXT_DAY)
    assert live() == [(NEXT_DAY,)]


def test_it_goes_back_only_when_asked(published):
    gate(NEXT_DAY, success=True)
    publish(NEXT_DAY)
    with pytest.raises(PublishRefused, match="2017-12-29 is live"):
        publish(AS_OF)
    assert live() == [(NEXT_DAY,)]
    publish(AS_OF, allow_older=True)
    assert live() == [(AS_OF,)]


def test_a_day_without_decisions_is_refused_and_yesterday_stays(published):
    empty = NEXT_DAY + timedelta(days=1)
    gate(empty, success=True)
    before = checksums(["activation"])
    with pytest.raises(PublishRefused, match="no scores or decisions of 2017-12-30"):
        publish(empty)
    assert checksums(["activation"]) == before


def test_a_reader_never_sees_a_mixture(published):
    """A reader polls both tables in one statement while the two days are published in turn."""
    gate(NEXT_DAY, success=True)
    seen, done = set(), threading.Event()
    query = """
        select array(select distinct as_of_date from activation.next_best_actions),
            array(select distinct as_of_date from activation.intent_scores),
            (select count(*) from activation.next_best_actions where rank = 1),
            (select count(*) from activation.intent_scores)
    """

    def poll() -> None:
        with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not done.is_set():
                cursor.execute(query)
                actions, scores, chosen, scored = cursor.fetchone()
                seen.add((tuple(actions), tuple(scores), chosen, scored))

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        for day in (NEXT_DAY, AS_OF) * 6:
            publish(day, allow_older=True)
    finally:
        done.set()
        reader.join()
    whole = {((day,), (day,), CUSTOMERS, CUSTOMERS * len(INTENTS)) for day in (AS_OF, NEXT_DAY)}
    assert seen == whole


def test_an_agent_looks_up_one_customer_in_under_5_ms(published):
    """The 95th percentile of 1,000 calls, in the quietest of up to ten rounds: other processes share our cores."""
    rounds = []
    with runtime_warehouse.transaction("cx_agent") as connection, connection.cursor() as cursor:
        while len(rounds) < 10 and min(rounds, default=1) >= 0.005:
            took = []
            for number in range(1000):
                customer = f"customer-{number % CUSTOMERS:04d}"
                began = time.perf_counter()
                cursor.execute("select * from activation.next_best_action(%s)", (customer,))
                found = cursor.fetchall()
                took.append(time.perf_counter() - began)
                assert len(found) == 1 and found[0][:2] == (customer, 1)
            rounds.append(sorted(took)[949])
    assert min(rounds) < 0.005


def test_an_unknown_customer_has_no_row(published):
    assert rows("select * from activation.next_best_action('nobody')", role="cx_agent") == []


@pytest.mark.parametrize(
    "table", ["decisions.decision_ledger", "scores.intent_scores", "scores.model_history", "features.customer_features"]
)
def test_an_agent_sees_nothing_behind_what_is_published(published, table):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(f"select * from {table}", role="cx_agent")


def test_an_agent_changes_nothing(published):
    for statement in (
        "delete from activation.next_best_actions",
        "update activation.next_best_actions set action_id = 'no_action'",
        "insert into activation.publications values ('2018-01-01', 1, 1, '')",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run(statement, role="cx_agent")


@pytest.mark.parametrize("role", ["cx_bi", "cx_landing"])
def test_other_roles_cannot_call_the_agents_function(published, role):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows("select * from activation.next_best_action('customer-0001')", role=role)


def test_the_seeds_reasons_name_only_facts_that_are_known(company):
    """Every placeholder of the real templates is one that publishing fills."""
    templates = rows("select string_agg(reason_en || reason_de, ' ') from vocabulary.actions")[0][0]
    known = {"intent", "intent_percent", "response_percent", *nba_settings().reason_facts}
    assert set(re.findall(r"{(\w*)}", templates)) <= known


def test_every_table_and_column_of_activation_says_what_it_is(warehouse):
    bare = rows(
        """
        select class.relname, attribute.attname
        from pg_class as class
        join pg_attribute as attribute on attribute.attrelid = class.oid and attribute.attnum >= 0
            and not attribute.attisdropped
        where class.relnamespace = 'activation'::regnamespace and class.relkind in ('r', 'v')
            and col_description(class.oid, attribute.attnum) is null
        union all
        select relname, '' from pg_class
        where relnamespace = 'activation'::regnamespace and relkind in ('r', 'v')
            and obj_description(oid, 'pg_class') is null
        """
    )
    assert not bare
