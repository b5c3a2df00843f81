"""What went out for a customer who turned out to be another person, listed for whoever has to take it back.

Features, consent and contact counts of customers who moved are computed anew by the build. What went out is not: it is
listed in `identity.retractions`, from the day the entity was with the wrong customer until the day it moved.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from runtime.warehouse import transaction

_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Noted:
    """How many entities moved on the day, and how many rows were listed anew and taken back."""

    as_of: date
    moves: int
    listed: int
    taken_back: int

    def summary(self) -> str:
        """Say it in a line."""
        return (
            f"{self.as_of}: {self.moves} entities became another customer's; {self.listed} decisions and published "
            f"rows listed in identity.retractions, {self.taken_back} taken off it"
        )


def note_retractions(connection: Connection, as_of: date) -> Noted:
    """List what went out for the customers that the moves of `as_of` left and joined. The caller owns the transaction.

    Running twice changes nothing. Decisions of `as_of` itself are listed if the day was built, decided and built again
    with other customers, because a steward split or joined; then the day must be the last that was built.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('identity.retractions', 5))")
        cursor.execute((_SQL / "retractions.sql").read_text(encoding="utf-8"), {"as_of": as_of})
        noted = Noted(as_of, *cursor.fetchone())
        # Not again after the day's decisions: a later build of the day is compared with whom those were made for.
        if not _is_noted_and_decided(cursor, as_of):
            _note_customers(cursor, as_of, is_decided_again=False)
        return noted


def note_retractions_of_day(as_of: date) -> Noted:
    """List the day's retractions in a transaction of their own."""
    with transaction() as connection:
        return note_retractions(connection, as_of)


def note_decided(connection: Connection, as_of: date, again: bool) -> None:
    """Remember whose each entity is now, as the standing decisions of `as_of` are about these customers.

    `again`: decisions were withdrawn, so what is listed of this day has gone out and stays listed.
    """
    with connection.cursor() as cursor:
        cursor.execute("select bool_or(is_decided_again) from identity.noted_days where as_of = %s", (as_of,))
        _note_customers(cursor, as_of, is_decided_again=again or bool(cursor.fetchone()[0]))


def _is_noted_and_decided(cursor: Cursor, as_of: date) -> bool:
    cursor.execute(
        "select exists (select from identity.noted_days where as_of = %(as_of)s)"
        " and exists (select from decisions.decision_ledger where as_of_date = %(as_of)s)",
        {"as_of": as_of},
    )
    return cursor.fetchone()[0]


def _note_customers(cursor: Cursor, as_of: date, is_decided_again: bool) -> None:
    cursor.execute("delete from identity.noted_days")
    cursor.execute(
        "insert into identity.noted_days (as_of, is_decided_again) values (%s, %s)", (as_of, is_decided_again)
    )
    cursor.execute((_SQL / "noted_customers.sql").read_text(encoding="utf-8"))


def list_retractions(since: date | None = None) -> list[tuple]:
    """List (what, retracted_id, customer_id, entity, reason, since, decided_date, moved_date, is_live), newest first.

    `since`: only what moved on this day or later. `is_live`: channels still read it.
    """
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select r.what, r.retracted_id, r.customer_id, r.entity_kind || '/' || r.source_key, r.reason, r.since,
                r.decided_date, r.moved_date,
                case r.what
                    when 'published action' then exists (
                        select from activation.next_best_actions a where a.decision_id = r.retracted_id
                    )
                    when 'published intents' then exists (
                        select from activation.intent_scores s
                        where s.customer_id = r.customer_id and s.as_of_date = r.decided_date
                    )
                    else false
                end
            from identity.retractions r
            where r.moved_date >= coalesce(%s, r.moved_date)
            order by r.moved_date desc, r.decided_date desc, r.what, r.retracted_id, r.entity_kind, r.source_key
            """,
            (since,),
        )
        return cursor.fetchall()
