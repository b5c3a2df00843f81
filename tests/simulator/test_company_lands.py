"""The whole company is landed: files, a live database, two APIs that refuse, limit and page; nothing lost or twice."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import psycopg2
import pytest
import requests
from psycopg2 import sql

from landing.contracts import departments
from landing.land import land_department
from normalisation.normalise import Normalised, normalise_values
from privacy.requests import file_request, serve_requests
from privacy.suppression import suppress
from runtime import demo_company, ports
from runtime.secrets import secret
from runtime.warehouse import read_frame, transaction
from simulator.nordhaus import shop_database
from tests.simulator.conftest import PEOPLE, empty

FIRST, NEXT = date(2025, 1, 12), date(2025, 1, 13)
# The columns that name a record as the truth does, for what is asked for rather than handed over.
ASKED = {
    ("shop", "accounts"): "account_id",
    ("shop", "orders"): "order_no",
    ("service", "tickets"): "ticket_id",
    ("marketing", "sends"): "send_id",
    ("web", "events"): "event_id",
    ("app", "events"): "event_id",
    ("feedback", "answers"): "answer_id",
}


def land_all(day: date) -> dict[str, int]:
    return {department: land_department(department, day).row_count for department in departments()}


def keys(department: str, entity: str, column: str) -> set[str]:
    query = sql.SQL("select distinct {} from {}").format(
        sql.Identifier(column), sql.Identifier(f"raw_{department}", entity)
    )
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return {key for (key,) in cursor.fetchall()}


def truth(company: Path, until: date) -> pd.DataFrame:
    paths = sorted((company / "truth" / "records").glob("*.parquet"))
    return pd.concat(pd.read_parquet(path) for path in paths if path.stem <= str(until)).astype(
        {"department": str, "entity": str}
    )


def test_all_ten_departments_land_and_the_next_day_brings_only_its_own(platform):
    demo_company.play_company(platform, FIRST)
    first = land_all(FIRST)
    assert len(first) == 10
    assert all(rows > 0 for rows in first.values()), first
    assert sum(land_all(FIRST).values()) == 0
    known = truth(platform.home / "nordhaus", FIRST)
    for (department, entity), column in ASKED.items():
        told = known[(known["department"] == department) & (known["entity"] == entity)]["record_key"]
        landed = keys(department, entity, column)
        if department in ("shop", "service", "marketing"):
            assert landed == set(told), (department, entity)
        else:  # an hour or a file may still be under way
            assert landed <= set(told)
            assert len(landed) > 0.9 * told.nunique(), (department, entity)
    demo_company.play_company(platform, NEXT)
    second = land_all(NEXT)
    assert 0 < sum(second.values()) < 0.2 * sum(first.values())
    assert sum(land_all(NEXT).values()) == 0


def test_identifiers_are_normalised_and_crawlers_known(platform):
    """Against the truth of the first day: a phone leads to its number in any spelling, and a crawler is no browser."""
    with transaction() as connection, connection.cursor() as cursor:
        for department in departments():
            cursor.execute(
                sql.SQL("""
                    insert into quality.batch_verdicts (department, entity, batch_id, as_of, known_date, verdict)
                    select %s, entity, batch_id, as_of, known_date, 'accepted' from {} where status = 'landed'
                    on conflict do nothing
                """).format(sql.Identifier(f"raw_{department}", "_batches")),
                (department,),
            )
    done = normalise_values(NEXT)
    assert done.values > PEOPLE
    assert done.invalid < 0.05 * done.values
    assert normalise_values(NEXT) == Normalised(0, 0, 0, 0)
    records = truth(platform.home / "nordhaus", NEXT)
    planted = set(
        records[(records["department"] == "web") & (records["defect"].astype(str) == "bot_event")]["record_key"]
    )
    with transaction() as connection:
        events = read_frame(
            connection,
            "select event_id, normalised_value = 'machine' as is_machine from raw_web.events"
            " join normalised.distinct_values on kind = 'user_agent' and original_value = user_agent",
        )
        phones = read_frame(
            connection,
            "select kind, normalised_value from raw_crm.contacts"
            " join normalised.distinct_values on kind = 'phone' and original_value = trim(phone)",
        )
    found = set(events[events["is_machine"]]["event_id"])
    assert planted and found == planted & set(events["event_id"])
    assert phones["normalised_value"].dropna().str.fullmatch(r"\+4[39]\d{7,13}").all()
    assert phones["normalised_value"].notna().mean() > 0.97  # OCR digits 0.6 %, placeholders 0.8 % of the contacts


def test_the_apis_want_a_token_and_say_when_to_come_back(platform):
    base = f"http://127.0.0.1:{ports.remembered(platform, 'nordhaus')}"
    assert requests.get(f"{base}/service/tickets", timeout=5).status_code == 401
    token = {"Authorization": f"Bearer {secret(platform, 'nordhaus_service')}"}
    assert requests.get(f"{base}/marketing/sends", headers=token, timeout=5).status_code == 401
    answers = [requests.get(f"{base}/service/tickets?page=1", headers=token, timeout=5) for _ in range(25)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert {answer.headers["Retry-After"] for answer in limited} == {"1"}


def test_the_shop_notes_what_it_removes_and_is_brought_up_to_date_once(platform):
    url = demo_company.shop_url(platform, demo_company.OWNER)
    assert shop_database.bring_up_to(url, platform.home / "nordhaus") == 0
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("select account_id from shop.accounts order by 1 limit 1")
        (account,) = cursor.fetchone()
        cursor.execute("select set_config('company.now', '2025-01-13 10:00:00', true)")
        cursor.execute("delete from shop.accounts where account_id = %s", (account,))
        cursor.execute("select table_name, row_key from shop.deletions")
        assert ("accounts", account) in cursor.fetchall()
    connection.close()
    reader = psycopg2.connect(demo_company.shop_url(platform, demo_company.READER))
    with reader, reader.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("delete from shop.orders")
    reader.close()
    assert land_department("shop", NEXT).row_count == 1
    assert keys("shop", "deletions", "row_key") == {account}


# Where the departments write a person's own numbers: what the identity would know of somebody it knows perfectly.
NUMBERS = (
    ("shop", "accounts", "account_id", ("account_id", "email")),
    ("crm", "contacts", "contact_no", ("contact_no", "email", "loyalty_card_no")),
    ("web", "events", "event_id", ("visitor_id",)),
    ("app", "events", "event_id", ("install_id",)),
    ("devices", "registrations", "serial_no", ("serial_no",)),
    ("marketing", "sends", "send_id", ("recipient",)),
    ("service", "tickets", "ticket_id", ("contact_email",)),
)
RECORDS = (
    ("shop", "orders", "order_no"),
    ("service", "tickets", "ticket_id"),
    ("marketing", "sends", "send_id"),
    ("feedback", "answers", "answer_id"),
)


def query(statement: sql.Composable | str, values: tuple = (), role: str = "cx_privacy") -> list[tuple]:
    with transaction(role) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def numbers_of(known: pd.DataFrame, person: int) -> set[str]:
    """Every number and address by which the departments name the person, as they wrote it."""
    own = known[known["person"] == person]
    found = set()
    for department, entity, key, columns in NUMBERS:
        keys_told = own[(own["department"] == department) & (own["entity"] == entity)]["record_key"].tolist()
        for column in columns:
            statement = sql.SQL("select distinct {} from {} where {} = any(%s)").format(
                sql.Identifier(column), sql.Identifier(f"raw_{department}", entity), sql.Identifier(key)
            )
            found |= {value for (value,) in query(statement, (keys_told,)) if value}
    return found


def rows_with(words: set[str]) -> dict[str, int]:
    """Count the rows that hold one of the words, in all text columns of all tables of all schemas."""
    found = {}
    pattern = "(^|[^[:alnum:]])(" + "|".join(re.escape(word.lower()) for word in words) + ")($|[^[:alnum:]])"
    tables = query(
        "select schemaname, tablename from pg_tables where schemaname !~ '^(pg_|information_schema)'"
        " and (schemaname, tablename) <> ('privacy', 'requests')"  # an open one names the person, by design
    )
    for schema, table in tables:
        statement = sql.SQL("select count(*) from {} as t where lower(t::text) ~ %s").format(
            sql.Identifier(schema, table)
        )
        ((count,),) = query(statement, (pattern,))
        if count:
            found[f"{schema}.{table}"] = count
    return found


def test_a_forgotten_person_is_gone_from_all_ten_departments_and_stays_away(platform):
    known = truth(platform.home / "nordhaus", NEXT)
    records = {
        (department, entity): known[(known["department"] == department) & (known["entity"] == entity)]
        for department, entity, _ in RECORDS
    }
    # Somebody with a ticket and an order whom most departments know.
    candidates = set.intersection(*(set(records[place]["person"]) for place in list(records)[:2]))
    places = known[known["person"].isin(candidates)].groupby("person")[["department", "entity"]]
    person = places.apply(lambda own: len(own.drop_duplicates())).idxmax()
    numbers = numbers_of(known, person)
    kept = {key for told in records.values() for key in told[told["person"] != person]["record_key"]}
    gone = {key for told in records.values() for key in told[told["person"] == person]["record_key"]}
    tickets = records["service", "tickets"]
    own_tickets = set(tickets[tickets["person"] == person]["record_key"])
    assert len(numbers) >= 3
    texts = query("select text from raw_service.messages where ticket_id = any(%s)", (list(own_tickets),))
    assert texts
    assert len(rows_with(numbers | gone)) >= 6
    before = query("select count(*) from raw_service.messages")
    query("create table if not exists identity.customer_ids (customer_id text, source_key text)", role="cx_pipeline")
    try:
        for number in numbers:
            query("insert into identity.customer_ids values ('c-forgotten', %s)", (number,), "cx_pipeline")
        file_request("erasure", min(number for number in numbers if number.isalnum()), "case 1", NEXT)
        assert serve_requests(NEXT)["erasure_done"] == 1
        assert rows_with(numbers | gone) == {}
        assert query("select count(*) from raw_service.messages") == [(before[0][0] - len(texts),)]
        assert keys("shop", "orders", "order_no") <= kept
        for department in departments():  # all that was ever delivered comes again, and nobody has judged it
            empty(department)
        query("delete from quality.batch_verdicts", role="cx_pipeline")
        land_all(NEXT)
        assert rows_with(numbers | gone) != {}
        for department in ("shop", "service", *departments()):
            suppress(department, NEXT)
        assert rows_with(numbers | gone) == {}
        assert len(keys("service", "tickets", "ticket_id")) > 1
    finally:
        query("drop table identity.customer_ids", role="cx_pipeline")
