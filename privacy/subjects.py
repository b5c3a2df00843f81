"""Where a person is found in the warehouse: the list in subjects.yml, compared with the database's catalogue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pydantic import BaseModel, ConfigDict, Field

# Where tables of a schema lie: marts are views of one of two sides, and both hold the person (activation/marts.py).
SIDES = {"marts": ("marts", "marts_blue", "marts_green")}
SUBJECTS_FILE = Path(__file__).with_name("subjects.yml")
# A number as a whole word of a text, written in any way that privacy.normal_key understands.
IN_TEXT = sql.SQL(r"""
    {subject}.identifies in ('source_key', 'record_id') and position({subject}.value in lower({written})) > 0
    and lower({written}) ~ (
        '(^|[^[:alnum:].])0*' || regexp_replace({subject}.value, '([^[:alnum:]])', '\\\1', 'g')
        || '(\.0*)?($|[^[:alnum:].])'
    )
""")


class UnlistedTable(RuntimeError):
    """A table carries a personal column and is not in subjects.yml: nobody can promise that a person is forgotten."""


class Place(BaseModel):
    """One table in which a person is found, by one column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(pattern=r"^[a-z_0-9]+\.[a-z_0-9]+$")
    column: str
    identifies: Literal["source_key", "customer_id", "record_id"]
    treatment: Literal["delete", "pseudonymise"]
    json_key: str | None = None
    in_text: bool = False
    kind: str | None = None
    kind_column: str = "kind"

    @property
    def name(self) -> sql.Identifier:
        """The table's name, quoted."""
        return sql.Identifier(*self.table.split("."))

    @property
    def department(self) -> str | None:
        """The department that delivered the table's rows; None where the platform made them."""
        schema = self.table.split(".")[0]
        return schema.removeprefix("raw_") if schema.startswith("raw_") else None

    def written(self, found: str = "found") -> sql.Composed:
        """Write the text that the department or the platform wrote, of the row called `found`."""
        column = sql.SQL("{}.{}").format(sql.Identifier(found), sql.Identifier(self.column))
        return sql.SQL("({} ->> {})").format(column, sql.Literal(self.json_key)) if self.json_key else column

    def value(self, found: str = "found") -> sql.Composed:
        """Write what compares with privacy.subjects_at_hand: the number in its normal form."""
        if self.identifies == "customer_id":
            return self.written(found)
        return sql.SQL("privacy.normal_key({}::text)").format(self.written(found))

    def matches(self, subject: str = "subject", found: str = "found") -> sql.Composed:
        """Write the condition that joins a row of this table, called `found`, to a row of privacy.subjects_at_hand."""
        if self.in_text:
            return IN_TEXT.format(subject=sql.Identifier(subject), written=self.written(found))
        condition = sql.SQL("{subject}.identifies = {identifies} and {subject}.value = {value}").format(
            subject=sql.Identifier(subject), identifies=sql.Literal(self.identifies), value=self.value(found)
        )
        if self.kind:
            kind = sql.SQL("{} = {}").format(sql.Identifier(found, self.kind_column), sql.Literal(self.kind))
            condition = sql.SQL("{} and {}").format(condition, kind)
        return condition


class Link(BaseModel):
    """A table whose rows lead to a person by a listed column; `column` is the number that other records carry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(pattern=r"^[a-z_0-9]+\.[a-z_0-9]+$")
    column: str
    unless_shared: bool = False


@dataclass(frozen=True)
class Subjects:
    """The content of subjects.yml."""

    personal_columns: frozenset[str]
    places: tuple[Place, ...]
    links: tuple[Link, ...]


def load_subjects(path: Path = SUBJECTS_FILE) -> Subjects:
    """Read subjects.yml. Raises pydantic.ValidationError, or ValueError if a column is listed twice."""
    content = yaml.safe_load(path.read_text())
    places = tuple(Place(**entry) for entry in content["tables"])
    seen = [(place.table, place.column, place.json_key) for place in places]
    if len(set(seen)) != len(seen):
        raise ValueError(f"{path.name} lists a column twice")
    links = tuple(Link(**entry) for entry in content["links"])
    return Subjects(frozenset(content["personal_columns"]), places, links)


def existing_places(connection: Connection) -> list[Place]:
    """Give the listed places that exist now, in the list's order, a mart on each of its sides.

    Raises UnlistedTable if the catalogue has a table with a personal column that is not listed.
    """
    subjects = load_subjects()
    existing = table_columns(connection)
    personal = {_listed(table) for table, column in existing if column in subjects.personal_columns}
    unlisted = sorted(personal - {place.table for place in subjects.places})
    if unlisted:
        raise UnlistedTable(f"privacy/subjects.yml says nothing about {', '.join(unlisted)}: list each of them there.")
    return [lies for place in subjects.places for lies in _sides(place) if (lies.table, lies.column) in existing]


def as_read(connection: Connection, places: list[Place]) -> list[Place]:
    """Give each place as readers see it, once: a mart that has sides is the view of the one that is live."""
    read = dict.fromkeys(place.model_copy(update={"table": _listed(place.table)}) for place in places)
    with connection.cursor() as cursor:
        cursor.execute(
            "select named from unnest(%s) as named where to_regclass(named) is not null",
            ([place.table for place in read],),
        )
        there = {table for (table,) in cursor.fetchall()}
    return [place for place in read if place.table in there]


def _sides(place: Place) -> list[Place]:
    schema, name = place.table.split(".")
    return [place.model_copy(update={"table": f"{side}.{name}"}) for side in SIDES.get(schema, (schema,))]


def _listed(table: str) -> str:
    schema, name = table.split(".")
    return f"{next((listed for listed, sides in SIDES.items() if schema in sides), schema)}.{name}"


def table_columns(connection: Connection) -> set[tuple[str, str]]:
    """Name each column of each table (views follow their tables), whether we may read it or not."""
    query = """
        select space.nspname || '.' || relation.relname, attribute.attname
        from pg_attribute as attribute
        join pg_class as relation on relation.oid = attribute.attrelid and relation.relkind in ('r', 'p', 'm', 'f')
        join pg_namespace as space on space.oid = relation.relnamespace
        where attribute.attnum > 0 and not attribute.attisdropped
          and space.nspname !~ '^pg_' and space.nspname not in ('information_schema', 'privacy')
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        return set(cursor.fetchall())
