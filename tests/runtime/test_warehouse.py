"""Frames go into the warehouse and come out again with the same values."""

import datetime

import numpy
import pandas
import psycopg2
import psycopg2.sql
import pytest

from runtime import warehouse as door


def test_frame_comes_back_as_it_went_in(warehouse):
    """Nulls, empty texts, quotes, line ends, leading zeros, umlauts and time zones survive both ways."""
    frame = pandas.DataFrame(
        {
            "customer_id": ["0012", "", None, 'a "b", c\nd'],
            "city": ["Köln", "München", "Łódź", ""],
            "baskets": [1, 2, 3, 4],
            "spend_eur": [1.25, numpy.nan, -3.0, 1e-9],
            "seen_date": [datetime.date(2017, 12, 28), None, datetime.date(1969, 1, 1), datetime.date(2017, 1, 1)],
            "seen_at": pandas.to_datetime(
                ["2017-12-28 05:00:00.5", None, "2017-01-01", "2017-01-02"], utc=True, format="ISO8601"
            ),
        }
    )
    with door.transaction() as conn:
        with conn.cursor() as cursor:
            cursor.execute(
                "create temporary table trip (customer_id text, city text, baskets int, spend_eur numeric, "
                "seen_date date, seen_at timestamptz)"
            )
        assert door.copy_frame(conn, frame, "trip") == 4
        back = door.read_frame(conn, "select * from trip;")
    assert list(back["customer_id"].isna()) == [False, False, True, False]
    assert list(back["customer_id"].dropna()) == ["0012", "", 'a "b", c\nd']
    assert list(back["city"]) == list(frame["city"])
    assert list(back["baskets"]) == [1, 2, 3, 4]
    assert list(back["spend_eur"].isna()) == [False, True, False, False]
    assert back["spend_eur"][3] == 1e-9
    assert back["seen_date"][0] == pandas.Timestamp("2017-12-28")
    assert back["seen_at"][0] == pandas.Timestamp("2017-12-28 05:00:00.5", tz="UTC")


def test_values_are_bound_not_spliced(warehouse):
    """A value that looks like SQL stays a value."""
    with door.transaction() as conn:
        frame = door.read_frame(conn, "select %(text)s as text, 1 as one", {"text": "'; drop table x; --"})
    assert frame["text"][0] == "'; drop table x; --"
    assert frame["one"].dtype == "int64"


def test_error_rolls_the_whole_transaction_back(warehouse):
    """What happened before the error in the same transaction is gone."""
    with pytest.raises(psycopg2.errors.UndefinedTable), door.transaction() as conn, conn.cursor() as cursor:
        cursor.execute("create table staging.half_done (n int)")
        cursor.execute("select * from staging.never_made")
    with door.transaction() as conn:
        assert door.read_frame(conn, "select to_regclass('staging.half_done') as t")["t"].isna().all()


def test_engine_reaches_the_same_database(warehouse):
    """SQLAlchemy logs in as the role that was asked for."""
    with door.engine("cx_bi").connect() as conn:
        assert conn.exec_driver_sql("select current_user").scalar() == "cx_bi"


def test_texts_put_together_from_parts_are_copied(warehouse):
    """An empty part before others made pyarrow write NUL bytes."""
    parts = [pandas.DataFrame({"name": pandas.Series(names, dtype="str")}) for names in ([], ["Anna"], ["Ben"])]
    whole = pandas.concat(parts, ignore_index=True)
    with door.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("create temp table told (name text) on commit drop")
        assert door.copy_frame(connection, whole, psycopg2.sql.Identifier("pg_temp", "told")) == 2
        found = door.read_frame(connection, "select name from pg_temp.told order by 1")
    assert found["name"].tolist() == ["Anna", "Ben"]


def test_the_planner_knows_a_table_that_was_just_filled(warehouse):
    """Autovacuum would come by a minute later; a table that has hardly grown is not looked at again."""
    rows = "select reltuples, relpages from pg_class where oid = to_regclass('quality.filled')"
    with door.transaction() as conn, conn.cursor() as cursor:
        cursor.execute("create table quality.filled as select n, repeat('x', 100) from generate_series(1, 5000) n")
        door.update_statistics(conn, ["quality.filled", "quality.is_not_there"])
        cursor.execute(rows)
        known = cursor.fetchone()
        assert known[0] == 5000
        cursor.execute("insert into quality.filled select n, 'y' from generate_series(1, 50) n")
        door.update_statistics(conn, ["quality.filled"])
        cursor.execute(rows)
        assert cursor.fetchone() == known
        cursor.execute("drop table quality.filled")
