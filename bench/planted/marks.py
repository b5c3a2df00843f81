"""Records that other rooms mark: identifiers that are none of their kind, events of machines."""

from dataclasses import replace

import pandas as pd
from psycopg2 import sql

from normalisation.columns import in_row, normalised_entities
from runtime.warehouse import read_frame, transaction

COLUMNS = ("key", "field", "rule", "reason")


def unusable(department: str, entity: str, joint: str, keys: tuple[str, ...]) -> pd.DataFrame:
    """Records (key) with an identifier (field) that is none of its kind, and why (reason)."""
    found = [pd.DataFrame(columns=COLUMNS)]
    for normalised in normalised_entities():
        if (normalised.contract.department, normalised.name) != (department, entity):
            continue
        for column in normalised.columns:
            query = sql.SQL("""
                select concat_ws({joint}, {keys}) as key, {field} as field, 'identifier' as rule,
                    min(known.reason) as reason
                from {table} r
                cross join lateral (values {values}) v (kind, region, value)
                join normalised.distinct_values known
                    on known.kind = v.kind and known.region = v.region and known.original_key = md5(v.value)
                where known.reason is not null
                group by 1
            """).format(
                joint=sql.Literal(joint),
                keys=sql.SQL(", ").join(in_row(key) for key in keys),
                field=sql.Literal(column.name),
                table=normalised.table,
                values=replace(normalised, columns=(column,)).values(in_row),
            )
            with transaction() as connection:
                found.append(read_frame(connection, query))
    return pd.concat(found)


def machines(department: str, entity: str) -> pd.DataFrame:
    """Events that staging marks as those of a machine, with the reason."""
    if entity != "events":
        return pd.DataFrame(columns=COLUMNS)
    query = sql.SQL(
        "select distinct event_id as key, 'row' as field, 'machine' as rule, bot_reason as reason from {} where is_bot"
    )
    with transaction() as connection:
        return read_frame(connection, query.format(sql.Identifier("staging", f"stg_{department}__events")))
