"""A checksum of the content of each table: the same rows in any order give the same one."""

from collections.abc import Sequence

from psycopg2 import sql

from runtime import warehouse

# Bookkeeping of the loader, with its own times and ids.
EXCLUDED = r"\_dlt\_%"
# The workshop of the marts: which side is read depends on how often was built. What is read, the views, counts.
WORKSHOP = ("marts_blue", "marts_green", "activation.marts_sides", "intermediate.model_builds")


def checksums(schemas: Sequence[str] | None = None) -> dict[str, str]:
    """Map "schema.table" to the md5 over all columns but dlt's, for every table of `schemas` (default: all of ours).

    The views of marts are tables to whoever reads. Each row is hashed and the two halves of the hashes are summed, so
    the order of rows does not matter and a row that stands twice counts twice.
    """
    with warehouse.transaction("cx_pipeline") as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select relation.relnamespace::regnamespace::text, relation.relname,
                array_agg(attname::text order by attname) filter (where attname not like %(excluded)s)
            from pg_class as relation
            join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
            join pg_namespace on pg_namespace.oid = relnamespace
            where (relkind in ('r', 'm', 'p') or relkind = 'v' and nspname = 'marts')
                and not relispartition and relname not like %(excluded)s
                and not array[nspname, nspname || '.' || relname]::text[] && %(workshop)s
                and nspname not like 'pg\\_%%' and nspname <> 'information_schema'
                and (%(schemas)s::text[] is null or nspname = any(%(schemas)s::text[]))
            group by 1, 2
            order by 1, 2
            """,
            {"excluded": EXCLUDED, "workshop": list(WORKSHOP), "schemas": list(schemas) if schemas else None},
        )
        tables = cursor.fetchall()
        return {f"{schema}.{table}": _checksum(cursor, schema, table, columns) for schema, table, columns in tables}


def _checksum(cursor, schema: str, table: str, columns: list[str] | None) -> str:
    row = sql.SQL(", ").join(map(sql.Identifier, columns or []))
    cursor.execute(
        sql.SQL(
            """
            select md5(concat_ws('|', {names}, count(*), sum(('x' || left(hash, 16))::bit(64)::bigint::numeric),
                sum(('x' || right(hash, 16))::bit(64)::bigint::numeric)))
            from (select md5(row({row})::text) as hash from {table}) as hashed
            """
        ).format(names=sql.Literal(",".join(columns or [])), row=row, table=sql.Identifier(schema, table))
    )
    return cursor.fetchone()[0]
