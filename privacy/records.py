"""Follow a person to records that do not name the person: the lines of an order, the messages of a ticket."""

from collections.abc import Sequence

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from privacy.subjects import Link, Place, load_subjects

FOLLOW = sql.SQL("""
    insert into privacy.subjects_at_hand (request_id, identifies, value)
    select min(subject.request_id), 'record_id', privacy.normal_key(found.{column}::text)
    from {table} as found
    join privacy.subjects_at_hand as subject on {matches}
    where privacy.normal_key(found.{column}::text) <> '' and {unshared}
    group by privacy.normal_key(found.{column}::text)
    on conflict do nothing
""")
UNSHARED = sql.SQL("""
    not exists (
        select from {table} as other
        where other.{column} = found.{column}
            and not exists (select from privacy.subjects_at_hand as own where {own})
    )
""")


def follow_records(connection: Connection, places: Sequence[Place], department: str | None = None) -> None:
    """Put the numbers of the records of all persons at hand beside them, as record_id.

    Raw and staging are followed, the orders first, because a ticket may be known by its order alone. `department`
    limits it to what that department delivered.
    """
    for link in load_subjects().links:
        leading = [place for place in places if place.table == link.table and not (place.in_text or place.json_key)]
        wanted = department is None or link.table.startswith(f"raw_{department}.")
        if leading and wanted:
            with connection.cursor() as cursor:
                for place in leading:  # one by one: each is a hash join
                    cursor.execute(_statement(link, place, leading))


def _statement(link: Link, place: Place, leading: Sequence[Place]) -> sql.Composed:
    table, column = sql.Identifier(*link.table.split(".")), sql.Identifier(link.column)
    unshared = sql.SQL("true")
    if link.unless_shared:
        own = sql.SQL(" or ").join(sql.SQL("({})").format(one.matches("own", "other")) for one in leading)
        unshared = UNSHARED.format(table=table, column=column, own=own)
    return FOLLOW.format(table=table, column=column, matches=place.matches(), unshared=unshared)
