"""Forget values that no record holds any more: a street or a number of an erased person must not outlive its rows."""

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from normalisation.columns import in_record, in_row, normalised_entities
from normalisation.normalise import LOCK

UNUSED = sql.SQL("""
    with used as materialized (
        select kind, region, md5(value) as original_key from ({values}) as held where value is not null
        group by 1, 2, 3
    )
    delete from normalised.distinct_values as known
    where known.kind = any(%s) and not exists (
        select from used
        where used.kind = known.kind and used.region = known.region and used.original_key = known.original_key
    )
""")
HELD = sql.SQL("select v.* from {source} r cross join lateral (values {values}) v (kind, region, value) where {chosen}")


def wait_for_normalisation(connection: Connection) -> None:
    """Let no run write values of rows that this transaction is about to delete, until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))


def forget_unused_values(connection: Connection) -> int:
    """Delete the personal values that stand in no raw row and no repair; return their number.

    A name or a town that others share stays: it is about nobody in particular. Needs select on raw and quarantine.
    """
    held, kinds = [], set()
    with connection.cursor() as cursor:
        for entity in normalised_entities():
            personal = {column.normalise for column in entity.columns if column.personal_data}
            kinds |= personal
            cursor.execute("select to_regclass(%s) is not null", (f"{entity.contract.raw_schema}.{entity.name}",))
            if not personal or not cursor.fetchone()[0]:
                continue
            held.append(
                HELD.format(
                    source=entity.table, values=entity.values(in_row, only_personal=True), chosen=sql.SQL("true")
                )
            )
            held.append(
                HELD.format(
                    source=sql.Identifier("quarantine", "repairs"),
                    values=entity.values(in_record, only_personal=True),
                    chosen=sql.SQL("r.department = {} and r.entity = {}").format(
                        sql.Literal(entity.contract.department), sql.Literal(entity.name)
                    ),
                )
            )
        if not held:
            return 0
        cursor.execute(UNUSED.format(values=sql.SQL(" union all ").join(held)), (sorted(kinds),))
        return cursor.rowcount
