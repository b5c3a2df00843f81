"""Moves rows that break their contract to quarantine.rejected_rows, with the reason and the row as it came.

Raw tables stay as landed; staging leaves out what waits here. The rules are the contract's: required, type, minimum,
maximum (`row_rules`), keys (`key_rules`). All set-based, over the new batches only (temporary table `new_batches`, made
by `expectations.batches`).
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.key_rules import keys_accepted_before, keys_of_repaired_rows, repeated_keys
from expectations.row_rules import broken_values
from landing.contracts import Contract

WORK_MEMORY = "256MB"  # grouping 1.47 M till keys spills to disk below about 200 MB


def quarantine(connection: Connection, contract: Contract, as_of: date) -> None:
    """Judge the rows of `new_batches`, entity by entity, and replace what quarantine holds of these batches.

    What a steward repaired, released or discarded, and what was taken out for privacy, keeps its status.
    """
    with connection.cursor() as cursor:
        cursor.execute("select set_config('work_mem', %s, true)", (WORK_MEMORY,))
        cursor.execute(
            "create temporary table rejections (entity text, batch_id text, row_number bigint, field text, rule text,"
            " reason text, record jsonb, contradicts boolean not null default false)"
        )
        cursor.execute("select entity, array_agg(batch_id order by batch_id) from new_batches group by entity")
        batches = dict(cursor.fetchall())
        cursor.execute(
            "select distinct entity from quality.batch_verdicts"
            " where department = %s and verdict = 'accepted' and as_of < %s",
            (contract.department, as_of),
        )
        accepted_before = {entity for (entity,) in cursor.fetchall()}
        for entity in contract.entities:
            if entity.name not in batches:
                continue
            new = sql.Literal(batches[entity.name])
            cursor.execute(broken_values(entity, sql.Identifier(contract.raw_schema, entity.name), new))
            if entity.keys:
                cursor.execute(repeated_keys(contract, entity, new))
                cursor.execute(keys_of_repaired_rows(contract, entity, new))
            if entity.keys and entity.load == "append" and entity.name in accepted_before:
                cursor.execute(keys_accepted_before(contract, entity, as_of, new))
        cursor.execute(_malformed_lines(contract))
        cursor.execute("analyze rejections")
        cursor.execute(_REPLACE, {"department": contract.department, "as_of": as_of})


_REPLACE = """
    delete from quarantine.rejected_rows old
    using new_batches b
    where old.department = %(department)s and old.entity = b.entity and old.batch_id = b.batch_id
        and old.status = 'waiting'
        and old.rule <> 'erased' -- the mark of an erased person's row, whose content is gone (privacy.suppression)
        and not exists (
            select from rejections r
            where (r.entity, r.batch_id, r.row_number, r.field, r.rule)
                = (old.entity, old.batch_id, old.row_number, old.field, old.rule)
        );
    insert into quarantine.rejected_rows
        (department, entity, batch_id, row_number, field, rule, reason, record, as_of, contradicts)
    select %(department)s, entity, batch_id, row_number, field, rule, reason, record, %(as_of)s, contradicts
    from rejections
    on conflict do nothing
"""


def _malformed_lines(contract: Contract) -> sql.Composable:
    """Take over the lines that landing could not read as a row."""
    return sql.SQL("""
        insert into rejections
        select b.entity, m.batch_id, m.row_number, '', 'malformed_line', b.source_name || ' row ' || m.row_number
            || ': ' || m.reason, jsonb_build_object('line', m.line)
        from {lines} m
        join new_batches b using (batch_id)
    """).format(lines=sql.Identifier(contract.raw_schema, "_malformed_lines"))
