"""The identity tables of a small company, filled by hand: what a build leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from runtime.settings import ROOT
from runtime.warehouse import transaction

DAY = date(2025, 7, 1)
BEFORE = date(2025, 6, 20)
TABLES = """
    create table if not exists identity.person_records (record_id text, entity_kind text, source_key text,
        entity_id text, known_date date, given_name text, surname text, birth_date date,
        is_birth_date_verified boolean, email text, is_email_verified boolean, phone text, street text,
        house_number text, postcode text, town text, card_key text);
    create table if not exists identity.entity_customers (entity_kind text, source_key text, customer_id text,
        first_known_date date, is_founder boolean, primary key (entity_kind, source_key));
    create table if not exists identity.customer_history (entity_kind text, source_key text, customer_id text,
        valid_from date, valid_until date, reason text, run text, primary key (entity_kind, source_key, valid_from));
    create table if not exists identity.moved_customers (customer_id text, moved_date date,
        primary key (customer_id, moved_date));
    create table if not exists identity.models (signature text, learned_date date, records bigint, model_id text,
        content bytea, primary key (signature, learned_date));
    create table if not exists identity.steward_decisions (decision_id text primary key, verb text, reason text,
        decided_by text, decided_date date, revoked_date date, revoked_by text, revoked_reason text);
    create table if not exists identity.steward_pairs (decision_id text, left_kind text, left_key text,
        right_kind text, right_key text, primary key (decision_id, left_kind, left_key, right_kind, right_key));
"""
FILLED = (
    *("entity_customers", "customer_history", "moved_customers", "models", "steward_decisions", "steward_pairs"),
    *("retractions", "noted_moves"),
)


@contextmanager
def identity_tables() -> Iterator[None]:
    """Have the tables, empty before and after."""
    run(TABLES)
    run((ROOT / "ml" / "identity" / "schema.sql").read_text(encoding="utf-8"))
    _empty()
    yield
    _empty()


def _empty() -> None:
    run(f"truncate {', '.join(f'identity.{name}' for name in FILLED)}")


def run(statement: str, parameters=None) -> None:
    """Execute one statement in a transaction of its own."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def rows(query: str, parameters=None) -> list[tuple]:
    """Fetch all rows of a query."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def customers(*stays: tuple[str, str]) -> None:
    """Let each entity ("account/A1") be of a customer since `BEFORE`."""
    for entity, customer in stays:
        kind, key = entity.split("/")
        run(
            "insert into identity.entity_customers values (%s, %s, %s, %s, false)",
            (kind, key, customer, BEFORE),
        )
        run(
            "insert into identity.customer_history values (%s, %s, %s, %s, null, 'new', 'r1')",
            (kind, key, customer, BEFORE),
        )


def move(entity: str, customer: str, reason: str, day: date = DAY) -> None:
    """Let an entity be of another customer from `day` on."""
    kind, key = entity.split("/")
    run(
        "update identity.customer_history set valid_until = %s"
        " where entity_kind = %s and source_key = %s and valid_until is null",
        (day, kind, key),
    )
    run(
        "insert into identity.customer_history values (%s, %s, %s, %s, null, %s, 'r2')",
        (kind, key, customer, day, reason),
    )
    run(
        "update identity.entity_customers set customer_id = %s where entity_kind = %s and source_key = %s",
        (customer, kind, key),
    )
