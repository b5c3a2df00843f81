"""Readers of marts see yesterday's tables or today's, all of them, whatever happens to the build in between."""

import threading
from datetime import date

import psycopg2
import pytest

from activation.marts import MartsPublication, begin_build, publish_marts
from activation.publish import PublishRefused
from expectations.gate import audited_marts
from runtime.warehouse import transaction

YESTERDAY, TODAY, TOMORROW = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3)
GATED = """
    insert into quality.gate_results (gate, as_of, batch, expectation, column_name, severity, success, observed,
        threshold, message)
    values ('marts.customers', %s, 'marts.customers', 'is_unique', '', 'critical', %s, '', '', '')
"""


def run(statement: str, parameters=None, role: str = "cx_pipeline") -> None:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def rows(query: str, role: str = "cx_pipeline") -> list[tuple]:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.fixture
def marts(warehouse):
    """Nothing built, nothing published; two models of which `grown` grows."""
    run("create table intermediate.model_builds (model_name text, as_of date, fingerprint text)")
    yield
    run("drop table intermediate.model_builds; delete from quality.gate_results; delete from activation.marts_sides")
    for schema in ("marts", "marts_blue", "marts_green"):
        run(f"drop schema {schema} cascade; create schema {schema}; grant usage on schema marts to cx_bi, cx_agent")


def build(day: date, passes: bool = True) -> str:
    """Build two tables that say of which day they are, as dbt does; let the gate look."""
    side = begin_build(day)
    run(f"drop table if exists {side}.rebuilt; create table {side}.rebuilt (day date, secret text)")
    run(f"comment on column {side}.rebuilt.day is 'The day.'; grant select (day) on {side}.rebuilt to cx_bi")
    run(f"create table if not exists {side}.grown (day date); grant select (day) on {side}.grown to cx_bi")
    for table in ("rebuilt", "grown"):
        run(f"insert into {side}.{table} (day) values (%s)", (day,))
    run("delete from intermediate.model_builds where model_name = %s", (f"{side}.grown",))
    run("insert into intermediate.model_builds values (%s, %s, 'f')", (f"{side}.grown", day))
    run("delete from quality.gate_results")
    run(GATED, (day, passes))
    return side


def seen() -> tuple[date, date]:
    return rows("select (select max(day) from marts.rebuilt), (select max(day) from marts.grown)", "cx_bi")[0]


def test_each_day_is_built_beside_what_is_read_and_the_growing_table_goes_on(marts):
    assert build(YESTERDAY) == "marts_blue"
    assert publish_marts(YESTERDAY) == MartsPublication(YESTERDAY, "marts_blue", 2)
    assert build(TODAY) == "marts_green"
    assert seen() == (YESTERDAY, YESTERDAY), "built is not yet shown"
    publish_marts(TODAY)
    assert seen() == (TODAY, TODAY)
    assert rows("select count(*) from marts.grown") == [(2,)], "yesterday's rows were copied, not lost"
    assert build(TOMORROW) == "marts_blue"
    publish_marts(TOMORROW)
    assert seen() == (TOMORROW, TOMORROW)


def test_twice_is_once(marts):
    build(YESTERDAY)
    assert publish_marts(YESTERDAY) == publish_marts(YESTERDAY)
    assert seen() == (YESTERDAY, YESTERDAY)


def test_a_red_gate_shows_nothing_and_the_next_build_goes_on_where_it_was(marts):
    build(YESTERDAY)
    publish_marts(YESTERDAY)
    side = build(TODAY, passes=False)
    with pytest.raises(PublishRefused, match="failed 1 critical"):
        publish_marts(TODAY)
    assert seen() == (YESTERDAY, YESTERDAY)
    with transaction() as connection:
        assert audited_marts(connection) == side, "the gate looks at what was built, not at what is read"
    assert build(TODAY) == side
    publish_marts(TODAY)
    assert seen() == (TODAY, TODAY)


def test_without_a_gate_or_a_build_nothing_is_published(marts):
    with pytest.raises(PublishRefused, match="No marts were built"):
        publish_marts(TODAY)
    build(TODAY)
    run("delete from quality.gate_results")
    with pytest.raises(PublishRefused, match="has not run"):
        publish_marts(TODAY)


def test_only_the_day_that_was_built_and_checked_is_published(marts):
    build(TODAY)
    begin_build(TOMORROW)
    with pytest.raises(PublishRefused, match=f"were built for {TOMORROW}, not for {TODAY}"):
        publish_marts(TODAY)
    build(TODAY)
    begin_build(TODAY)
    with pytest.raises(PublishRefused, match="has not run"):
        publish_marts(TODAY)  # the verdict was on the build before


def test_comments_and_rights_come_along_and_nobody_enters_the_workshop(marts):
    build(TODAY)
    publish_marts(TODAY)
    assert rows("select col_description('marts.rebuilt'::regclass, 1)") == [("The day.",)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows("select secret from marts.rebuilt", "cx_bi")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows("select day from marts_blue.rebuilt", "cx_bi")
    run("revoke select (day) on marts_blue.grown from cx_bi; update activation.marts_sides set live = null")
    run("update activation.marts_sides set candidate = 'marts_blue', candidate_as_of = %s", (TODAY,))
    publish_marts(TODAY)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows("select day from marts.grown", "cx_bi")


def test_a_model_that_changed_its_columns_or_is_gone_is_shown_as_it_is_now(marts):
    build(YESTERDAY)
    publish_marts(YESTERDAY)
    side = build(TODAY)
    run(f"alter table {side}.rebuilt drop column secret; drop table {side}.grown")
    publish_marts(TODAY)
    names = "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
    assert rows(names) == [("rebuilt", "day")]


def test_a_view_of_somebody_on_a_mart_follows_to_the_new_side(marts):
    build(YESTERDAY)
    publish_marts(YESTERDAY)
    run("create view insights.own as select max(day) as day from marts.rebuilt")
    build(TODAY)
    publish_marts(TODAY)
    assert rows("select day from insights.own") == [(TODAY,)]


def test_a_reader_who_polls_never_sees_a_mixture_nor_an_error(marts):
    """Each query reads both tables; six builds, two of them refused, are published meanwhile."""
    build(YESTERDAY)
    publish_marts(YESTERDAY)
    stop, mixed, days, failed = threading.Event(), [], set(), []

    def poll() -> None:
        try:
            while not stop.is_set():
                one, other = seen()
                days.add(one)
                if one != other:
                    mixed.append((one, other))
        except psycopg2.Error as error:
            failed.append(error)

    readers = [threading.Thread(target=poll) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(6):
        day = date(2025, 4, 1 + number)
        build(day, passes=number not in (1, 4))
        if number in (1, 4):
            with pytest.raises(PublishRefused):
                publish_marts(day)
        else:
            publish_marts(day)
    stop.set()
    for reader in readers:
        reader.join()
    assert (mixed, failed) == ([], [])
    assert days <= {YESTERDAY, *(date(2025, 4, 1 + number) for number in (0, 2, 3, 5))}
    assert len(days) >= 2


def test_a_reader_who_holds_on_is_waited_for_and_named_as_the_cause(marts):
    build(YESTERDAY)
    publish_marts(YESTERDAY)
    build(TODAY)
    with transaction("cx_bi") as connection, connection.cursor() as cursor:
        cursor.execute("select day from marts.grown")
        with pytest.raises(PublishRefused, match="A reader holds a table of marts"):
            publish_marts(TODAY, wait_seconds=1)
        cursor.execute("select max(day) from marts.grown")
        assert cursor.fetchone() == (YESTERDAY,)
    publish_marts(TODAY, wait_seconds=1)
    assert seen() == (TODAY, TODAY)
