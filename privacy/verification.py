"""Proof of an erasure: look again, in every column that can hold text, not only where the person was expected."""

from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from privacy.subjects import Place, load_subjects

TEXT_TYPES = ("text", "varchar", "bpchar", "name", "uuid", "json", "jsonb")
# The requests themselves are looked at too; only the list of the running transaction holds the values by design.
NOT_SCANNED = "privacy.subjects_at_hand"
# The number of a record, as a whole word of any text. One expression for all numbers: a row is read once. Shorter ones
# prove nothing: order 1234567 is also a quantity, a price, a page.
RECORD_WORDS = sql.SQL(r"""
    lower({whole}) ~ (
        select '(^|[^[:alnum:]])0*(' || string_agg(regexp_replace(numbered.value, '([^[:alnum:]])', '\\\1', 'g'), '|')
            || ')($|[^[:alnum:]])'
        from privacy.subjects_at_hand as numbered
        where numbered.identifies = 'record_id' and length(numbered.value) >= 8
    )
""")
# First the cheap search, then whole words only: customer c12 is not customer c123.
WORD = sql.SQL(r"""
    subject.identifies = 'customer_id' and position(subject.value in {whole}) > 0
    and {whole} ~ ('(^|[^[:alnum:]_-])' || regexp_replace(subject.value, '([^[:alnum:]])', '\\\1', 'g')
        || '($|[^[:alnum:]_-])')
""")


class ErasureIncomplete(RuntimeError):
    """A person's id was found after the erasure; the message names the tables. Nothing is committed."""


@dataclass(frozen=True)
class Scan:
    """What the scan looked at and how many rows still name a person at hand, by table."""

    tables: int
    columns: int
    left: dict[str, int]


def scan(connection: Connection, places: list[Place]) -> Scan:
    """Look for all persons at hand, by customer_id and by the numbers of their records (orders, tickets, sends) in
    every text and jsonb column of every table.

    By household number in the listed columns and under the personal keys of every jsonb column: elsewhere a number
    proves nothing, 17 is also a quantity.
    """
    columns = _text_columns(connection)
    left: dict[str, int] = {}
    for table, names in columns.items():
        listed = [place for place in places if place.table == table]
        count = _rows_left(connection, table, names, listed)
        if count:
            left[table] = count
    for place in places:
        if place.table not in columns:
            count = _rows_left(connection, place.table, {}, [place])
            if count:
                left[place.table] = count
    return Scan(len(columns), sum(map(len, columns.values())), left)


def _text_columns(connection: Connection) -> dict[str, dict[str, bool]]:
    """Give {table: {column: is_jsonb}} of every column that can hold text, arrays of such types too."""
    query = """
        select space.nspname || '.' || relation.relname, attribute.attname, typed.typname = 'jsonb'
        from pg_attribute as attribute
        join pg_class as relation on relation.oid = attribute.attrelid and relation.relkind in ('r', 'p', 'm', 'f')
        join pg_namespace as space on space.oid = relation.relnamespace
        join pg_type as typed on typed.oid = attribute.atttypid
        left join pg_type as element on element.oid = typed.typelem and typed.typcategory = 'A'
        where attribute.attnum > 0 and not attribute.attisdropped
          and space.nspname !~ '^pg_' and space.nspname <> 'information_schema'
          and coalesce(element.typname, typed.typname) = any(%s)
        order by 1, 2
    """
    columns: dict[str, dict[str, bool]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, (list(TEXT_TYPES),))
        for table, column, is_jsonb in cursor.fetchall():
            if table != NOT_SCANNED:
                columns.setdefault(table, {})[column] = is_jsonb
    return columns


def _rows_left(connection: Connection, table: str, columns: dict[str, bool], listed: list[Place]) -> int:
    """Count the rows of a table that name a person at hand in any way."""
    found = [_is_held(place) for place in listed]
    if columns:
        whole = sql.SQL("concat_ws(' ', {})").format(
            sql.SQL(", ").join(sql.SQL("found.{}::text").format(sql.Identifier(name)) for name in columns)
        )
        found += [_exists(WORD.format(whole=whole)), RECORD_WORDS.format(whole=whole)]
    for name in (name for name, is_jsonb in columns.items() if is_jsonb):
        found += [_exists(_under_key(name, key)) for key in sorted(load_subjects().personal_columns)]
    query = sql.SQL("select count(*) from {table} as found where {conditions}").format(
        table=sql.Identifier(*table.split(".")),
        conditions=sql.SQL(" or ").join(sql.SQL("({})").format(condition) for condition in found),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def _is_held(place: Place) -> sql.Composed:
    """Write the condition that a listed column holds a value at hand; a hash look-up where no text is searched."""
    if place.in_text or place.kind:
        return _exists(place.matches())
    return sql.SQL("{} in (select value from privacy.subjects_at_hand where identifies = {})").format(
        place.value(), sql.Literal(place.identifies)
    )


def _exists(condition: sql.Composable) -> sql.Composed:
    return sql.SQL("exists (select from privacy.subjects_at_hand as subject where {})").format(condition)


def _under_key(column: str, key: str) -> sql.Composed:
    """Write the condition that a jsonb column has a household number at hand under `key`, at any depth."""
    return sql.SQL("""
        subject.identifies = 'source_key' and exists (
            select from jsonb_path_query(found.{column}, {path}) as held(value)
            where privacy.normal_key(held.value #>> '{{}}') = subject.value
        )
    """).format(column=sql.Identifier(column), path=sql.Literal(f'$.**."{key}"'))
