"""The contract's keys: of rows with the same key the first stays, whether it came today, before, or was repaired."""

from datetime import date

from psycopg2 import sql

from expectations.row_rules import record_of
from landing.contracts import Contract, Entity


def _keys(entity: Entity, alias: str) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(key)) for key in entity.keys)


def repeated_keys(contract: Contract, entity: Entity, new: sql.Literal) -> sql.Composable:
    """Keep the first row of a key that comes more than once; snapshots repeat every key from one list to the next."""
    within = sql.SQL(", r._batch_id" if entity.load == "snapshot" else "")
    return sql.SQL("""
        with repeated as (
            select {keys}{within}
            from {table} r
            join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
            where ({keys}) is not null
            group by {keys}{within}
            having count(*) > 1
        ),
        ranked as (
            select
                b.entity, b.batch_id, r._row_number, b.source_name, {record} as record,
                row_number() over first_come as place,
                first_value(b.source_name) over first_come as first_source,
                first_value(r._row_number) over first_come as first_row,
                first_value({record}) over first_come as first_record
            from {table} r
            join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
            where ({keys}{within}) in (select * from repeated)
                and not exists (
                    select from rejections x
                    where x.entity = b.entity and x.batch_id = b.batch_id and x.row_number = r._row_number
                )
            window first_come as (partition by {keys}{within} order by b.delivered_date, b.batch_id, r._row_number)
        )
        insert into rejections
        select entity, batch_id, _row_number, {key_names}, 'duplicate_key',
            source_name || ' row ' || _row_number || ': same ' || {key_names} || ' as row ' || first_row
                || ' of ' || first_source,
            record, record <> first_record
        from ranked
        where place > 1
    """).format(
        keys=_keys(entity, "r"),
        within=within,
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        record=record_of("r"),
        key_names=sql.Literal(", ".join(entity.keys)),
    )


def keys_accepted_before(contract: Contract, entity: Entity, as_of: date, new: sql.Literal) -> sql.Composable:
    """Reject rows whose key an earlier run has already accepted (what the gate let in stays).

    Keys are compared first and verdicts only for the few that meet: half the processor time on 1.45 M old lines.
    """
    return sql.SQL("""
        with met as materialized (
            select b.entity, b.batch_id, r._row_number as row_number, b.source_name, {record} as record,
                o._batch_id as old_batch_id, o._row_number as old_row_number, {old_record} as old_record
            from {table} r
            join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
            join {table} o on ({keys}) = ({old_keys}) and o._batch_id <> all({new})
        )
        insert into rejections
        select distinct on (met.batch_id, met.row_number)
            met.entity, met.batch_id, met.row_number, {key_names}, 'duplicate_key',
            met.source_name || ' row ' || met.row_number || ': same ' || {key_names} || ' as row ' || met.old_row_number
                || ' of ' || {department} || '/' || earlier.source_name || ', accepted on ' || v.as_of,
            met.record, met.record <> met.old_record
        from met
        join {batches} earlier on earlier.batch_id = met.old_batch_id
        join quality.batch_verdicts v on v.department = {department} and v.entity = met.entity
            and v.batch_id = met.old_batch_id and v.verdict = 'accepted' and v.as_of < {as_of}
        where not exists (
                select from rejections x
                where (x.entity, x.batch_id, x.row_number) = (met.entity, met.batch_id, met.row_number)
            )
            and not exists (
                select from quarantine.rejected_rows q
                where q.department = {department} and q.entity = met.entity and q.batch_id = met.old_batch_id
                    and q.row_number = met.old_row_number and q.status <> 'released'
            ) -- a repaired row counts with its repaired keys, see keys_of_repaired_rows
        order by met.batch_id, met.row_number, earlier.delivered_date, met.old_row_number
    """).format(
        key_names=sql.Literal(", ".join(entity.keys)),
        record=record_of("r"),
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        old_record=record_of("o"),
        keys=_keys(entity, "r"),
        old_keys=_keys(entity, "o"),
        department=sql.Literal(contract.department),
        as_of=sql.Literal(as_of),
        batches=sql.Identifier(contract.raw_schema, "_batches"),
    )


def keys_of_repaired_rows(contract: Contract, entity: Entity, new: sql.Literal) -> sql.Composable:
    """Reject rows whose key a repaired row has since its repair, so that a corrected delivery does not count twice."""
    within = sql.SQL("and p.batch_id = r._batch_id" if entity.load == "snapshot" else "")
    repaired = [sql.SQL("p.record ->> {}").format(sql.Literal(key)) for key in entity.keys]
    return sql.SQL("""
        insert into rejections
        select distinct on (b.batch_id, r._row_number)
            b.entity, b.batch_id, r._row_number, {key_names}, 'duplicate_key',
            b.source_name || ' row ' || r._row_number || ': same ' || {key_names} || ' as row ' || p.row_number
                || ' of batch ' || p.batch_id || ', repaired on ' || p.as_of,
            {record}, {record} <> p.record
        from {table} r
        join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
        join quarantine.repairs p on p.department = {department} and p.entity = b.entity and ({keys}) = ({repaired})
            and (p.batch_id, p.row_number) <> (r._batch_id, r._row_number) {within}
        where not exists (
            select from rejections x
            where (x.entity, x.batch_id, x.row_number) = (b.entity, b.batch_id, r._row_number)
        )
        order by b.batch_id, r._row_number, p.batch_id, p.row_number
    """).format(
        key_names=sql.Literal(", ".join(entity.keys)),
        record=record_of("r"),
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        department=sql.Literal(contract.department),
        keys=_keys(entity, "r"),
        repaired=sql.SQL(", ").join(repaired),
        within=within,
    )
