"""A person's right to be forgotten: delete or pseudonymise every row, and count what was done table by table."""

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from privacy.subjects import Place

TREATMENTS = {"delete": "deleted", "pseudonymise": "pseudonymised"}


def gather(connection: Connection) -> None:
    """Follow the numbers at hand to the customers' ids, those to all their numbers and spelled e-mails."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('identity.customer_ids') is not null")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("""
            insert into privacy.subjects_at_hand (request_id, identifies, value)
            select min(subject.request_id), 'customer_id', minted.customer_id
            from identity.customer_ids as minted
            join privacy.subjects_at_hand as subject
                on subject.identifies = 'source_key' and subject.value = privacy.normal_key(minted.source_key::text)
            group by minted.customer_id
        """)
        cursor.execute("""
            insert into privacy.subjects_at_hand (request_id, identifies, value)
            select min(subject.request_id), 'source_key', privacy.normal_key(minted.source_key::text)
            from identity.customer_ids as minted
            join privacy.subjects_at_hand as subject
                on subject.identifies = 'customer_id' and subject.value = minted.customer_id
            group by privacy.normal_key(minted.source_key::text)
            on conflict do nothing
        """)
        # Departments write an e-mail in many ways; each spelling that was delivered is looked for as it is.
        cursor.execute("""
            insert into privacy.subjects_at_hand (request_id, identifies, value)
            select min(subject.request_id), 'source_key', privacy.normal_key(spelled.original_value)
            from normalised.distinct_values as spelled
            join privacy.subjects_at_hand as subject
                on subject.identifies = 'source_key' and spelled.kind = 'email'
                and subject.value = privacy.normal_key(spelled.normalised_value)
            group by privacy.normal_key(spelled.original_value)
            on conflict do nothing
        """)


def erase(connection: Connection, places: list[Place]) -> dict[str, dict[str, tuple[str, int]]]:
    """Treat every place for all persons at hand; return {request_id: {table: (treatment, rows)}}, no zeros."""
    done: dict[str, dict[str, tuple[str, int]]] = {}
    for place in places:
        for request_id, count in _treat(connection, place):
            before = done.setdefault(request_id, {}).get(place.table, ("", 0))[1]
            done[request_id][place.table] = (TREATMENTS[place.treatment], before + count)
    return done


def _treat(connection: Connection, place: Place) -> list[tuple[str, int]]:
    if place.treatment == "pseudonymise":
        statement = sql.SQL("select request_id, row_count from privacy.pseudonymise_decisions()")
    else:
        statement = sql.SQL("""
            with gone as (
                delete from {table} as found using privacy.subjects_at_hand as subject where {matches}
                returning subject.request_id
            )
            select request_id, count(*) from gone group by request_id
        """).format(table=place.name, matches=place.matches())
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
