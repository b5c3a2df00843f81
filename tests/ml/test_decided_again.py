"""Deciding again: what stands stands, and only the last day is decided anew where other facts matter."""

import json

import pytest
from psycopg2.extras import RealDictCursor

from ml.intent.score import score_intent
from ml.nba import ledger
from ml.nba.decide import decide
from runtime import warehouse as runtime_warehouse
from runtime.checksums import checksums
from tests.ml.company import AS_OF, CUSTOMERS, NEXT_DAY
from tests.ml.decided import eligible, ledger_rows, run


def test_deciding_again_changes_nothing(decided):
    before = checksums(["decisions"])
    assert decide(AS_OF).new == 0
    assert checksums(["decisions"]) == before


@pytest.mark.parametrize("statement", ["delete from {}", "truncate {} cascade", "update {} set arm = 'policy'"])
def test_the_ledger_is_append_only(decided, statement):
    with pytest.raises(Exception, match="append-only"):
        run(statement.format("decisions.decision_ledger"))


def test_a_customer_who_came_late_is_added_and_the_others_keep_their_decision(decided):
    """Replays the same day after one more customer's data was accepted."""
    late = "customer-late"
    copy = (
        "insert into {0} select * from (select (jsonb_populate_record(t, %s)).* from {0} t where t.customer_id = %s) c"
    )
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        for table in ("features.customer_features", "marts.contact_pressure"):
            cursor.execute(
                copy.format(table) + " where as_of_date = %s",
                (json.dumps({"customer_id": late}), "customer-0001", AS_OF),
            )
    try:
        score_intent(AS_OF)
        assert decide(AS_OF).new == 1
        rows = {row["customer_id"]: row for row in ledger_rows(AS_OF)}
        assert {who: row for who, row in rows.items() if who != late} == {row["customer_id"]: row for row in decided}
        same = {c["action_id"]: c["expected_net_value_eur"] for c in rows[late]["candidates"]}
        assert same == {c["action_id"]: c["expected_net_value_eur"] for c in rows["customer-0001"]["candidates"]}
    finally:
        for table in ("features.customer_features", "marts.contact_pressure"):
            run(f"delete from {table} where customer_id = %s", (late,))


def decided_again(who: str) -> list[dict]:
    """Every decision of AS_OF about a customer with why it was withdrawn, the first one first."""
    with runtime_warehouse.transaction() as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(
            "select made.*, withdrawn.reason from decisions.decision_ledger made"
            " left join decisions.withdrawn_decisions withdrawn using (decision_id)"
            " where made.as_of_date = %s and made.customer_id = %s order by revision",
            (AS_OF, who),
        )
        return cursor.fetchall()


def test_the_last_day_built_again_from_other_facts_is_decided_anew_where_they_matter(decided):
    """One customer got all the contacts that are allowed, one is gone, one was made of two people."""
    by_mail = {c["action_id"] for c in decided[0]["candidates"] if c["channel"] == "mail"}
    full = next(row["customer_id"] for row in decided if eligible(row) & by_mail)
    gone, wrong = [row["customer_id"] for row in decided if row["customer_id"] != full][:2]
    run("create table marts.kept as select * from marts.contact_pressure")
    run("create table features.kept as select * from features.customer_features")
    try:
        windows = "contacts_7d = 999, contacts_28d = 999"
        run(f"update marts.contact_pressure set {windows} where customer_id = %s and as_of_date = %s", (full, AS_OF))
        run("delete from features.customer_features where customer_id = %s and as_of_date = %s", (gone, AS_OF))
        run(
            "insert into identity.retractions select 'decision', %s, %s, 'account', 'a2', %s, 'split', %s, %s",
            (ledger.decision_id(wrong, AS_OF), wrong, AS_OF, AS_OF, AS_OF),
        )
        score_intent(AS_OF)
        again = decide(AS_OF)
        assert (again.new, again.withdrawn) == (2, 4), "and the customer who came late above is gone again"
        assert decide(AS_OF).new == decide(AS_OF).withdrawn == 0
        first, second = decided_again(full)
        assert first["reason"] == "no longer allowed" and second["reason"] is None
        assert eligible(second) < eligible(first)
        assert [row["reason"] for row in decided_again(gone)] == ["customer gone"]
        first, second = decided_again(wrong)
        assert first["reason"] == "wrong person" and first["candidates"] == second["candidates"]
        assert ledger.replay(second)[:2] == (second["arm"], second["action_id"])
        standing = (
            "select count(*), count(distinct customer_id) from decisions.standing_decisions where as_of_date = %s"
        )
        with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(standing, (AS_OF,))
            counted = cursor.fetchone()
        assert counted[0] == counted[1]
    finally:
        for schema, table in (("marts", "contact_pressure"), ("features", "customer_features")):
            run(f"drop table {schema}.{table}")
            run(f"alter table {schema}.kept rename to {table}")
        run("delete from identity.retractions")
        score_intent(AS_OF)


def test_a_past_day_keeps_what_was_decided(decided):
    """Channels have carried it out: what the facts say now does not matter any more."""
    score_intent(NEXT_DAY)
    assert decide(NEXT_DAY).new == CUSTOMERS
    run("update marts.contact_pressure set contacts_7d = 999 where as_of_date = %s", (AS_OF,))
    before = checksums(["decisions"])
    assert decide(AS_OF).withdrawn == 0
    assert checksums(["decisions"]) == before
