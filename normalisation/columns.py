"""Which columns of which contracts are normalised, and the query of their values in raw."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg2 import sql

from landing.columns import Column
from landing.contracts import Contract, departments, load_contract

Field = Callable[[str], sql.Composable]  # the expression of a column, by its name


def in_row(name: str) -> sql.Composable:
    """A column of the raw row `r`."""
    return sql.SQL("r.{}").format(sql.Identifier(name))


def in_record(name: str) -> sql.Composable:
    """A column of the repaired row `r`, kept as JSON."""
    return sql.SQL("(r.record ->> {})").format(sql.Literal(name))


@dataclass(frozen=True)
class NormalisedEntity:
    """An entity with at least one column that its contract normalises."""

    contract: Contract
    name: str
    columns: tuple[Column, ...]

    @property
    def table(self) -> sql.Identifier:
        """The raw table."""
        return sql.Identifier(self.contract.raw_schema, self.name)

    @property
    def signature(self) -> str:
        """What the contract asks for; a batch that was done under another one is done again."""
        return ", ".join(sorted(f"{each.name} as {each.normalise} {each.country} {each.when}" for each in self.columns))

    def values(self, field: Field, only_personal: bool = False) -> sql.Composed:
        """Write the rows (kind, region, value) of one record.

        The same expressions stand in dbt_project/macros/identifiers.sql; the law assert_every_identifier_was_normalised
        fails where they part.
        """
        rows = [
            sql.SQL("({}, {}, {})").format(sql.Literal(each.normalise), _region(each, field), _value(each, field))
            for each in self.columns
            if each.personal_data or not only_personal
        ]
        return sql.SQL(", ").join(rows)


def _value(column: Column, field: Field) -> sql.Composable:
    value = sql.SQL("nullif(trim({}), '')").format(field(column.name))
    for name, needed in column.when.items():
        condition = sql.SQL("lower(trim({})) = {}").format(field(name), sql.Literal(needed))
        value = sql.SQL("case when {} then {} end").format(condition, value)
    return value


def _region(column: Column, field: Field) -> sql.Composable:
    if column.country is None:
        return sql.SQL("''")
    return sql.SQL("coalesce(upper(trim({})), '')").format(field(column.country))


def normalised_entities() -> list[NormalisedEntity]:
    """List the entities of all contracts that have such a column."""
    found = []
    for contract in map(load_contract, departments()):
        for entity in contract.entities:
            columns = tuple(column for column in entity.columns if column.normalise)
            if columns:
                found.append(NormalisedEntity(contract, entity.name, columns))
    return found
