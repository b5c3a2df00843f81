"""Judges one repaired record by the rules that judged it when it was delivered."""

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extras import Json

from expectations.row_rules import broken_values
from landing.contracts import Contract, Entity


def broken_rules(
    connection: Connection, contract: Contract, entity: Entity, place: tuple[str, int], record: dict
) -> list[str]:
    """List what is wrong with `record`, which is to stand for the row at `place` (batch, row number); empty if nothing.

    Makes temporary tables that go with the caller's transaction.
    """
    raw = sql.Identifier(contract.raw_schema, entity.name)
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table rejections (entity text, batch_id text, row_number bigint, field text, rule text,"
            " reason text, record jsonb) on commit drop;"
            "create temporary table new_batches (batch_id text, entity text, source_name text, delivered_date date)"
            " on commit drop"
        )
        cursor.execute(
            sql.SQL(
                "insert into new_batches select batch_id, entity, batch_id, delivered_date from {} where batch_id = %s"
            ).format(sql.Identifier(contract.raw_schema, "_batches")),
            (place[0],),
        )
        cursor.execute(
            sql.SQL("""
                create temporary table repaired_row on commit drop as
                select * from jsonb_populate_record(null::{}, %s)
            """).format(raw),
            (Json({**record, "_batch_id": place[0], "_row_number": place[1]}),),
        )
        cursor.execute(broken_values(entity, sql.Identifier("repaired_row"), sql.Literal([place[0]])))
        cursor.execute("select reason from rejections order by field, rule")
        broken = [reason for (reason,) in cursor.fetchall()]
        if not broken and entity.keys:
            cursor.execute(
                _same_keys(contract, entity, raw), {"batch": place[0], "row": place[1], "entity": entity.name}
            )
            broken = [
                f"row {row} of {batch} has the same {', '.join(entity.keys)} and counts already"
                for batch, row in cursor.fetchall()
            ]
        cursor.execute("drop table rejections, new_batches, repaired_row")
    return broken


def _same_keys(contract: Contract, entity: Entity, raw: sql.Identifier) -> sql.Composable:
    """Find a row that counts, or will once its batch is accepted, and has the keys of the repaired row."""
    within = sql.SQL("and o._batch_id = r._batch_id" if entity.load == "snapshot" else "")
    keys, old, repaired = (
        sql.SQL(", ").join(sql.SQL(form).format(sql.Identifier(key)) for key in entity.keys)
        for form in ("r.{}", "o.{}", "p.{}")
    )
    return sql.SQL("""
        select o._batch_id, o._row_number
        from repaired_row r
        join {raw} o on ({old}) = ({keys}) {within}
        where (o._batch_id, o._row_number) <> (%(batch)s, %(row)s)
            and not exists (
                select from quarantine.rejected_rows q
                where q.department = {department} and q.entity = %(entity)s and q.batch_id = o._batch_id
                    and q.row_number = o._row_number and q.status <> 'released'
            )
        union all
        select o.batch_id, o.row_number
        from repaired_row r
        cross join (select batch_id as _batch_id, * from quarantine.repairs) o
        cross join lateral jsonb_populate_record(null::{raw}, o.record) p
        where o.department = {department} and o.entity = %(entity)s and ({repaired}) = ({keys}) {within}
            and (o.batch_id, o.row_number) <> (%(batch)s, %(row)s)
        order by 1, 2
        limit 1
    """).format(
        raw=raw, keys=keys, old=old, repaired=repaired, within=within, department=sql.Literal(contract.department)
    )
