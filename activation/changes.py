"""What a destination has to be told: the published state against what it acknowledged."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from psycopg2 import sql

from activation.destinations.change import Change
from activation.destinations.configured import Destination, DestinationError

_SQL = Path(__file__).parent / "sql"
_OPEN = """
    select open.change_number, open.key, open.customer_id, open.kind, wanted.content, open.as_of, open.destination_id,
        case when open.kind <> 'remove' then wanted.channel end as channel
    from activation.deliveries as open
    left join wanted_content as wanted on wanted.customer_id = open.customer_id
    where open.destination = %(destination)s and open.status in ('pending', 'refused')
        and (open.kind = 'remove' or wanted.content_hash = open.content_hash and not %(removes_only)s)
        and (%(customers)s::text[] is null or open.customer_id = any(%(customers)s::text[]))
    order by open.kind = 'remove' desc, open.change_number
"""


def plan_changes(
    connection: Any,
    destination: Destination,
    as_of: date,
    removes_only: bool = False,
    customers: Sequence[str] | None = None,
) -> list[Change]:
    """Write what `destination` has to be told into activation.deliveries, and return all of it, removes first.

    A change that is open already keeps its key; one that is no longer true is superseded. `removes_only`: nothing is
    told anew. `customers`: removes of these alone, whatever is published of them. Raises DestinationError for a field
    that there is not.
    """
    _require_fields(connection, destination)
    given = {
        "destination": destination.name,
        "as_of": as_of,
        "fields": destination.fields,
        "channels": destination.channels,
        "customer_fields": destination.customer_fields,
        "empty": customers is not None,
        "removes_only": removes_only or customers is not None,
        "customers": None if customers is None else list(customers),
    }
    with connection.cursor() as cursor:
        for name in ("wanted_content", "needed_changes"):  # of another destination in this transaction
            cursor.execute(sql.SQL("drop table if exists pg_temp.{}").format(sql.Identifier(name)))
        cursor.execute(_wanted(destination), given)
        cursor.execute((_SQL / "plan_changes.sql").read_text(encoding="utf-8"), given)
        cursor.execute(_OPEN, given)
        return [Change(*row) for row in cursor.fetchall()]


def _wanted(destination: Destination) -> sql.Composed:
    """Write the query of the wanted state; marts.customers is read only for those who are to get fields of it."""
    told = sql.SQL("""(
        select coalesce(jsonb_object_agg(field.key, field.value), '{{}}')
        from jsonb_each(to_jsonb(customer)) as field
        where field.key = any(%(customer_fields)s)
    )""").format()
    return sql.SQL((_SQL / "wanted_content.sql").read_text(encoding="utf-8")).format(
        customer_content=told if destination.customer_fields else sql.SQL("'{}'::jsonb"),
        customer_join=sql.SQL(
            "join marts.customers as customer using (customer_id)" if destination.customer_fields else ""
        ),
    )


def _require_fields(connection: Any, destination: Destination) -> None:
    wanted = {
        ("activation", "next_best_actions"): destination.fields,
        ("marts", "customers"): destination.customer_fields,
    }
    with connection.cursor() as cursor:
        for (schema, table), names in wanted.items():
            cursor.execute(
                "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
                (schema, table),
            )
            unknown = sorted(set(names) - {name for (name,) in cursor.fetchall()})
            if unknown:
                raise DestinationError(f"{destination.name}: {schema}.{table} has no {', '.join(unknown)}.")
