"""Money at stake of a department and day: `quality.department_health.money_at_stake_eur`.

The formula, its parameters and their owner stand in `money_at_stake.yml`. Only what was known before the day counts, so
that checking a day again after the warehouse was built gives the same figure.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from pydantic import BaseModel, ConfigDict, Field

from landing.contracts import Contract

FILE = Path(__file__).with_suffix(".yml")
MARTS = ("identity.customer_ids", "marts.customer_days")

WAITING = """
    select privacy.normal_key(q.record ->> named.key_column)
    from quarantine.rejected_rows q
    cross join unnest({key_columns}) as named(key_column)
    where q.department = {department} and q.status = 'waiting' and q.as_of <= {as_of}
        and q.record ->> named.key_column is not null
"""
HELD = """
    select privacy.normal_key(delivered.{column})
    from {table} delivered
    where delivered._batch_id in (
        select batch_id from quality.batch_verdicts
        where department = {department} and entity = {entity} and verdict = 'held' and as_of <= {as_of}
    )
"""
STALE = """
    select privacy.normal_key(delivered.{column})
    from {table} delivered
    where delivered._batch_id in (
            select batch_id from {batches}
            where entity = {entity} and as_of <= {as_of}
                and delivered_date > {as_of} - {days} and delivered_date <= {as_of}
        )
        and exists (
            select from quality.department_status
            where department = {department} and as_of = {as_of} and status = 'stale'
        )
"""
MONEY = """
    with named(source_key) as ({named}),
    concerned as (
        select distinct minted.customer_id
        from identity.customer_ids minted
        join named on named.source_key <> '' and named.source_key = privacy.normal_key(minted.source_key)
    )
    update quality.department_health health
    set customers_at_stake = (select count(*) from concerned),
        money_at_stake_eur = (
            select coalesce(sum(days.spend_eur), 0)
            from marts.customer_days days
            join concerned using (customer_id)
            where days.sold_date >= {as_of} - {days} and days.sold_date < {as_of} and days.known_date < {as_of}
        )
    where health.department = {department} and health.as_of = {as_of}
"""


class Formula(BaseModel):
    """The content of money_at_stake.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: str = Field(min_length=1)
    spend_days: int = Field(gt=0)
    counted: tuple[Literal["waiting", "held", "stale"], ...] = Field(min_length=1)
    key_columns: tuple[str, ...] = Field(min_length=1)


def load_formula(path: Path = FILE) -> Formula:
    """Read the parameters. Raises pydantic.ValidationError."""
    return Formula(**yaml.safe_load(path.read_text()))


def write_money_at_stake(connection: Connection, contract: Contract, as_of: date) -> None:
    """Fill in the department's row of this day, after its status and health; null before there are marts."""
    with connection.cursor() as cursor:
        cursor.execute("select bool_and(to_regclass(name) is not null) from unnest(%s) as name", (list(MARTS),))
        if cursor.fetchone()[0]:
            cursor.execute(_money(contract, as_of, load_formula()))


def _money(contract: Contract, as_of: date, formula: Formula) -> sql.Composed:
    facts = {
        "department": sql.Literal(contract.department),
        "as_of": sql.SQL("date {}").format(sql.Literal(as_of.isoformat())),
        "days": sql.Literal(formula.spend_days),
        "batches": sql.Identifier(contract.raw_schema, "_batches"),
        "key_columns": sql.Literal(list(formula.key_columns)),
    }
    return sql.SQL(MONEY).format(named=sql.SQL(" union ").join(_named(contract, formula, facts)), **facts)


def _named(contract: Contract, formula: Formula, facts: dict[str, sql.Composable]) -> Iterator[sql.Composed]:
    """Write one query for each place that names customers: the keys, in their normal form."""
    if "waiting" in formula.counted:
        yield sql.SQL(WAITING).format(**facts)
    queries = [query for name, query in (("held", HELD), ("stale", STALE)) if name in formula.counted]
    for entity in contract.entities:
        table = sql.Identifier(contract.raw_schema, entity.name)
        for column in (name for name in entity.column_names if name in formula.key_columns):
            for query in queries:
                yield sql.SQL(query).format(
                    column=sql.Identifier(column), table=table, entity=sql.Literal(entity.name), **facts
                )
