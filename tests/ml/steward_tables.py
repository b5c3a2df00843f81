"""The identity tables of a small company, filled by hand: what a build leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from runtime.warehouse import transaction

DAY = date(2025, 7, 1)
BEFORE = date(2025, 6, 20)
FILLED = (
    *("entity_customers", "customer_history", "moved_customers", "models", "steward_decisions", "steward_pairs"),
    *("retractions", "noted_customers", "noted_days"),
)


@contextmanager
def identity_tables() -> Iterator[None]:
    """Have the tables empty, before and after."""
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
            "insert into identity.customer_history values (%s, %s, %s, %s, null, 'new', %s)",
            (kind, key, customer, BEFORE, BEFORE),
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
        "insert into identity.customer_history values (%s, %s, %s, %s, null, %s, %s)",
        (kind, key, customer, day, reason, day),
    )
    run(
        "update identity.entity_customers set customer_id = %s where entity_kind = %s and source_key = %s",
        (customer, kind, key),
    )
