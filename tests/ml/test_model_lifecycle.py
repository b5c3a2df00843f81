"""Who was champion when, going back to an earlier one, and which models a bad batch has reached."""

from datetime import timedelta

import pytest

from ml import promotion, registry, rollback
from ml.__main__ import main
from ml.intent.promote import promote_intent
from ml.intent.score import score_intent
from ml.intent.train import train_intent
from ml.nba.decide import decide
from ml.nba.promote import promote_response
from ml.nba.train import train_response
from ml.promotion import Verdict
from ml.seen_batches import decisions_of, find_batches, versions_that_saw
from runtime import warehouse as runtime_warehouse
from runtime.settings import ROOT
from tests.ml.company import AS_OF, CUSTOMERS, NEXT_DAY

MODEL = "cx_intent"
BACK = ("Ada", "the second version read a broken export")
BATCHES = [
    ("till", "transactions", "transactions/2017-12-20/aa", "2017-12-20", "accepted"),
    ("till", "transactions", "transactions/2017-12-21/bb", "2017-12-21", "held"),
    ("till", "transactions", "transactions/2017-12-29/cc", "2017-12-29", "accepted"),
]


def rows(query: str, values=None, role: str = "cx_pipeline") -> list[tuple]:
    with runtime_warehouse.transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def run(statement: str, values=None) -> None:
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def scored() -> list[tuple]:
    """Every score of AS_OF, all columns; probabilities as the bits that they are."""
    return rows(
        "select encode(float8send(probability), 'hex'), scores.* from scores.intent_scores as scores"
        " where as_of_date = %s order by customer_id, intent",
        (AS_OF,),
    )


@pytest.fixture(scope="module")
def two_champions(company, mlflow_store):
    """Version 1 champion on AS_OF; from NEXT_DAY on version 2, trained from changed labels. Scores of AS_OF by both."""
    for department, entity, batch_id, known, verdict in BATCHES:
        run(
            "insert into quality.batch_verdicts (department, entity, batch_id, as_of, known_date, verdict)"
            " values (%s, %s, %s, %s, %s, %s)",
            (department, entity, batch_id, known, known, verdict),
        )
    first, response = train_intent(AS_OF), train_response(AS_OF)
    assert promote_intent(AS_OF).is_promoted and promote_response(AS_OF).is_promoted
    score_intent(AS_OF)
    assert decide(AS_OF).new == CUSTOMERS
    by_first = scored()
    run("update features.intent_labels set label = 1 - label where as_of_date < '2017-10-20'")
    second = train_intent(AS_OF)
    promotion.carry_out(Verdict(second, True, "promoted: by hand for this test", {"gain": 1.0}), NEXT_DAY, "a test")
    score_intent(AS_OF)
    yield first, second, response, by_first, scored()
    run("delete from quality.batch_verdicts")
    run("truncate scores.training_batches")


@pytest.fixture
def rolled_back(two_champions):
    first, *_ = two_champions
    if registry.champion(MODEL).version != first.version:
        rollback.rollback(MODEL, first.version, *BACK, AS_OF + timedelta(days=2))


def test_one_query_tells_who_was_champion_on_a_day_by_whom_and_on_what_evidence(two_champions):
    first, second, *_ = two_champions
    query = """
        select version, from_date, until_date, promoted_by, reason, evidence, data_hash
        from scores.champion_on(%s) where model_name = 'cx_intent'
    """
    (on_first,) = rows(query, (AS_OF,))
    assert on_first[:4] == (first.version, AS_OF, NEXT_DAY, "promotion rule")
    assert on_first[4].startswith("promoted: gain in log-loss") and on_first[5]["gain_low"] > 0
    assert on_first[6] == first.tags["data_hash"]
    (later,) = rows(query, (NEXT_DAY,))
    assert later[0] == second.version and later[3:] == (
        *("a test", "promoted: by hand for this test", {"gain": 1.0}),
        second.tags["data_hash"],
    )
    assert rows(query, (AS_OF - timedelta(days=1),)) == []
    assert {name for (name,) in rows("select model_name from scores.champion_on(%s)", (AS_OF,))} == {
        MODEL,
        "cx_response",
    }


def test_bi_reads_who_was_champion_and_not_who_decided(two_champions):
    assert len(rows("select * from quality.champions", role="cx_bi")) >= 3
    columns = rows("select column_name from information_schema.columns where table_name = 'champions'")
    assert ("evidence",) in columns and ("promoted_by",) not in columns
    with pytest.raises(Exception, match="permission denied"):
        rows("select * from scores.champion_history", role="cx_bi")


@pytest.mark.parametrize(
    ("version", "by", "because", "told"),
    [("9", "Ada", "why", "has no version 9. Versions: 2, 1"), ("1", " ", "why", "Say who"), ("1", "Ada", "", "why")],
)
def test_a_rollback_says_who_why_and_to_what(two_champions, version, by, because, told):
    with pytest.raises(rollback.RollbackRefused, match=told):
        rollback.rollback(MODEL, version, by, because, NEXT_DAY)


def test_nobody_goes_back_to_a_version_that_was_never_champion(two_champions):
    run("update features.intent_labels set label = 1 - label where as_of_date < '2017-06-01'")
    try:
        third = train_intent(AS_OF)
    finally:
        run("update features.intent_labels set label = 1 - label where as_of_date < '2017-06-01'")
    try:
        with pytest.raises(rollback.RollbackRefused, match="was never champion"):
            rollback.rollback(MODEL, third.version, *BACK, NEXT_DAY)
    finally:
        registry.drop_alias(third, registry.CHALLENGER)


def test_after_a_rollback_the_same_day_has_the_old_scores_bit_by_bit(two_champions, rolled_back):
    first, second, _, by_first, by_second = two_champions
    assert by_first != by_second
    score_intent(AS_OF)
    assert scored() == by_first


def test_a_rollback_is_kept_with_who_why_and_what_it_replaced(two_champions, rolled_back):
    first, second, *_ = two_champions
    before = rows("select * from scores.model_history")
    assert rollback.rollback(MODEL, first.version, *BACK) is None, "twice changes nothing"
    assert rows("select * from scores.model_history") == before
    told = rows(
        "select version, alias, promoted_by, reason from scores.model_history where model_name = 'cx_intent'"
        " and as_of_date = %s order by event_number",
        (AS_OF + timedelta(days=2),),
    )
    assert told == [
        (second.version, "withdrawn", *BACK),
        (first.version, "champion", BACK[0], f"rolled back from version {second.version}: {BACK[1]}"),
    ]
    champions = "select version, from_date, until_date from scores.champion_history where model_name = 'cx_intent'"
    assert rows(f"{champions} order by from_date") == [
        (first.version, AS_OF, NEXT_DAY),
        (second.version, NEXT_DAY, AS_OF + timedelta(days=2)),
        (first.version, AS_OF + timedelta(days=2), None),
    ]


def test_a_withdrawn_version_does_not_come_back_by_being_trained_again(two_champions, rolled_back):
    first, second, *_ = two_champions
    assert train_intent(AS_OF).version == second.version
    assert registry.aliased(MODEL, registry.CHALLENGER) is None
    assert promote_intent(AS_OF) is None
    assert registry.champion(MODEL).version == first.version


def test_promoted_and_rolled_back_on_one_day_leaves_both_in_the_history(two_champions, rolled_back):
    first, second, *_ = two_champions
    day = AS_OF + timedelta(days=3)
    promotion.carry_out(Verdict(second, True, "promoted: once more", {}), day, "a test")
    rollback.rollback(MODEL, first.version, *BACK, day)
    kept = rows(
        "select version, from_date = until_date from scores.champion_history where model_name = 'cx_intent'"
        " and from_date = %s order by until_date",
        (day,),
    )
    assert kept == [(second.version, True), (first.version, None)]
    assert rows("select version from scores.champion_on(%s) where model_name = 'cx_intent'", (day,)) == [
        (first.version,)
    ]


def test_a_batch_leads_to_the_versions_that_saw_it_and_to_their_decisions(two_champions, rolled_back):
    first, second, response, *_ = two_champions
    batch = BATCHES[0][2]
    assert find_batches("till", day=BATCHES[0][3]) == find_batches("till", batch)
    found = {(saw.model, saw.version): saw for saw in versions_that_saw("till", [batch])}
    assert {(MODEL, first.version), (MODEL, second.version), ("cx_response", response.version)} <= set(found)
    assert all(saw.is_recorded for saw in found.values())
    assert found[MODEL, first.version].is_champion and not found[MODEL, second.version].is_champion
    assert found[MODEL, first.version].decisions == found["cx_response", response.version].decisions == CUSTOMERS
    assert found[MODEL, second.version].decisions == 0
    assert len(decisions_of(list(found.values()))) == CUSTOMERS, "each once, though two of its models saw the batch"


@pytest.mark.parametrize("batch", [BATCHES[1][2], BATCHES[2][2]])
def test_what_was_held_or_came_later_was_seen_by_nobody(two_champions, batch):
    assert versions_that_saw("till", [batch]) == []


def test_without_a_kept_list_the_days_say_who_may_have_seen_it(two_champions):
    run("create table scores.kept as select * from scores.training_batches")
    run("truncate scores.training_batches")
    try:
        found = versions_that_saw("till", [BATCHES[0][2]])
        assert found and not any(saw.is_recorded for saw in found)
        assert versions_that_saw("till", [BATCHES[2][2]]) == []
    finally:
        run("insert into scores.training_batches select * from scores.kept")
        run("drop table scores.kept")


def test_the_commands_tell_it_all(two_champions, rolled_back, capsys):
    first, second, *_ = two_champions
    assert main(["models", "history", MODEL]) == 0
    assert f"cx_intent {second.version} withdrawn by Ada: {BACK[1]}" in capsys.readouterr().out
    assert main(["models", "champion", "--on", str(NEXT_DAY)]) == 0
    assert f"cx_intent {second.version}, from {NEXT_DAY}" in capsys.readouterr().out
    assert main(["models", "rollback", MODEL, "9", "--by", "Ada", "--because", "x", "--as-of", str(NEXT_DAY)]) == 1
    assert "has no version 9" in capsys.readouterr().err
    assert main(["models", "rollback", MODEL, first.version, "--by", "Ada", "--because", "x"]) == 0
    assert "already" in capsys.readouterr().out
    assert main(["models", "saw", "till", "--batch", BATCHES[0][2], "--decisions"]) == 0
    shown = capsys.readouterr().out
    assert f"cx_intent {first.version}, trained as of {AS_OF}: champion, {CUSTOMERS} decisions" in shown
    assert shown.count(f" {AS_OF} ") >= CUSTOMERS and "customer-0" not in shown
    assert main(["models", "saw", "till", "--batch", "nothing"]) == 1


def test_a_history_of_before_numbers_gets_them_by_day(two_champions):
    """As a warehouse of an earlier version is brought up to date: the schema runs again over rows without numbers."""
    ordered = "select version, alias from scores.model_history where model_name = 'cx_response' order by event_number"
    before = rows(ordered)
    assert [alias for _, alias in before] == ["challenger", "champion"]
    with runtime_warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("alter table scores.model_history disable trigger user")
        cursor.execute("update scores.model_history set event_number = null")
        cursor.execute("alter table scores.model_history enable trigger user")
        cursor.execute((ROOT / "ml" / "schema.sql").read_text())
        cursor.execute(ordered)
        assert cursor.fetchall() == before
        cursor.execute("select min(event_number), count(distinct event_number) from scores.model_history"
                       " where model_name = 'cx_response'")  # fmt: skip
        assert cursor.fetchone() == (1, 2)
        connection.rollback()
