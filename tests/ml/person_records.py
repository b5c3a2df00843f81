"""Person records for tests of `ml.identity.resolve`: the table as dbt makes it, and what to put in."""

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd
from psycopg2 import sql

from runtime.warehouse import copy_frame, read_frame, transaction
from tests.ml.linked_people import people

FIRST = date(2025, 3, 1)
COLUMNS = {
    **{"record_id": "text", "entity_kind": "text", "source_key": "text", "entity_id": "text", "known_date": "date"},
    **{"given_name": "text", "surname": "text", "birth_date": "date", "is_birth_date_verified": "boolean"},
    **{"email": "text", "is_email_verified": "boolean", "phone": "text", "street": "text", "house_number": "text"},
    **{"postcode": "text", "town": "text", "card_key": "text"},
}
RESULTS = {
    "entity_customers": "entity_kind, source_key",
    "customer_history": "entity_kind, source_key, valid_from",
    "moved_customers": "customer_id, moved_date",
    "models": "signature, learned_date",
    "person_edges": "left_id, right_id",
    "person_clusters": "record_id",
    "person_held": "record_id, rule, key",
    "person_suspicious": "case_id",
    "person_state": "content",
}


def day(number: int) -> date:
    """The day so many days after the first."""
    return FIRST + timedelta(days=number)


def make() -> None:
    """Make the empty table."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create table identity.person_records ({}, primary key (record_id))").format(
                sql.SQL(", ").join(sql.SQL(f"{name} {kind}") for name, kind in COLUMNS.items())
            )
        )


def remove() -> None:
    """Remove the table and empty all that was made of it."""
    execute("drop table identity.person_records; " + EMPTY + "truncate identity.steward_decisions cascade")


EMPTY = "; ".join(f"truncate identity.{name}" for name in RESULTS) + "; "


def record(kind: str, key: str, known: int, **told: object) -> dict:
    """Describe an entity as it was known on the day `known`."""
    identity = {"entity_kind": kind, "source_key": key, "entity_id": f"{kind}/{key}", "known_date": day(known)}
    birth_date = told.pop("born", None)
    unverified = {"birth_date": birth_date, "is_birth_date_verified": False, "is_email_verified": False}
    described = {**identity, **unverified, **told}
    return {"record_id": hashlib.md5(repr(described).encode()).hexdigest(), **described}


def person(kind: str, key: str, known: int, name: str = "ada lovelace", **told: object) -> dict:
    """Describe an entity by a name and an e-mail made of it, so that the rules link equal names."""
    given, surname = name.split()
    whole = {"given_name": given, "surname": surname, "email": f"{given}.{surname}@example.org", **told}
    return record(kind, key, known, **whole)


def add(*records: dict) -> None:
    """Add records."""
    frame = pd.DataFrame(records).reindex(columns=list(COLUMNS)).astype(object)
    with transaction() as connection:
        copy_frame(connection, frame.where(frame.notna(), None), "identity.person_records")


def crowd(count: int, days: int) -> list[dict]:
    """Write `count` persons of linked_people.py, every second twice, as accounts, contacts and their cards that become
    known over `days` days; of some only a surname is known at first, so that customers merge later."""
    rows = []
    for number, one in enumerate(people(count).itertuples()):
        kind, known = ("account", "contact")[number % 2], number * 13 % days
        told = {"given_name": one.first, "surname": one.last, "born": date.fromisoformat(one.born), "email": one.mail}
        told |= {"town": f"town {one.person % 7}"}
        if kind == "contact" and number % 3 == 0:
            told["card_key"] = f"k{one.person}"
            rows.append(record("card", f"k{one.person}", known // 2, card_key=f"k{one.person}"))
        if number % 5 == 0:
            rows.append(record(kind, one.no, known, surname=one.last, town="a town"))
            known = min(known + 2, days)
        rows.append(record(kind, one.no, known, **told))
    return list({row["record_id"]: row for row in rows}.values())


def execute(statement: str, values: Iterable | None = None) -> None:
    """Run statements in a transaction of their own."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)


def rows(query: str, values: Iterable | None = None) -> list[tuple]:
    """Fetch all rows of a query."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def state(*names: str) -> dict[str, list]:
    """Read results row by row, of all tables or of those named."""
    with transaction() as connection:
        return {
            name: read_frame(connection, f"select * from identity.{name} order by {RESULTS[name]}")
            .astype(str)
            .values.tolist()
            for name in names or RESULTS
        }


def minted(entity: str) -> str:
    """The id that an entity (`kind/key`) founds."""
    return "c" + hashlib.md5(f"cxloop/{entity}".encode()).hexdigest()[:16]


def customers() -> dict[str, str]:
    """Give the customer of each entity, by `kind/key`."""
    return dict(rows("select entity_kind || '/' || source_key, customer_id from identity.entity_customers"))
