"""A table in somebody's PostgreSQL: one row per customer, changed in one transaction per run."""

import json
from collections.abc import Iterator, Sequence

import psycopg2
from psycopg2 import sql
from psycopg2.extras import execute_values

from activation.destinations.change import REMOVE, Answer, Change, Unavailable
from activation.destinations.configured import Destination
from activation.destinations.variables import variable

CONNECT_SECONDS = 10


class Table:
    """Upserts and deletes; the table is made if it is not there: customer_id, the fields as text, as_of, key."""

    at_once = 1_000_000

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.url = variable(destination, destination.url_variable)
        self.table = sql.Identifier(*destination.table.split("."))
        self.fields = [*destination.fields, *destination.customer_fields]

    def send(self, changes: Sequence[Change]) -> Iterator[Answer]:
        """Change all rows, then acknowledge; a change that was made already makes the same row again."""
        try:
            connection = psycopg2.connect(self.url, connect_timeout=CONNECT_SECONDS)
            try:
                with connection, connection.cursor() as cursor:
                    self._write(cursor, changes)
            finally:
                connection.close()
        except psycopg2.Error as problem:
            # The server's words may quote a value or the address.
            raise Unavailable(
                f"{self.destination.name}: the table cannot be written: {type(problem).__name__}."
            ) from None
        for change in changes:
            yield Answer(change.number, True, self.destination.table)

    def _write(self, cursor, changes: Sequence[Change]) -> None:
        columns = sql.SQL(", ").join(map(sql.Identifier, self.fields))
        typed = sql.SQL("").join(sql.SQL("{} text, ").format(sql.Identifier(name)) for name in self.fields)
        cursor.execute(
            sql.SQL(
                "create table if not exists {} (customer_id text primary key, {}as_of date not null, key text not null)"
            ).format(self.table, typed)
        )
        gone = [change.customer_id for change in changes if change.kind == REMOVE]
        cursor.execute(sql.SQL("delete from {} where customer_id = any(%s)").format(self.table), (gone,))
        said = [
            (change.customer_id, *(_text(change.content[name]) for name in self.fields), change.as_of, change.key)
            for change in changes
            if change.kind != REMOVE
        ]
        if said:
            updates = sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in (*self.fields, "as_of", "key")
            )
            execute_values(
                cursor,
                sql.SQL(
                    "insert into {} (customer_id, {}, as_of, key) values %s on conflict (customer_id) do update set {}"
                )
                .format(self.table, columns, updates)
                .as_string(cursor),
                said,
                page_size=10_000,
            )


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
