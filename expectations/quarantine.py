"""Moves rows that break their contract to quarantine.rejected_rows, with the reason and the row as it came.

Raw tables stay as landed; staging leaves out what waits here. The rules are the contract's: required, type, minimum,
maximum, keys. All set-based, over the new batches only (temporary table `new_batches`, made by `expectations.batches`).
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.formats import readable
from landing.contracts import Column, Contract, Entity

# The PostgreSQL type that staging casts to, and how a steward calls it.
TYPES = {
    "integer": ("bigint", "an integer"),
    "decimal": ("numeric", "a number"),
    "timestamp": ("timestamp", "a timestamp (YYYY-MM-DD hh:mm:ss)"),
    "date": ("date", "a date (YYYY-MM-DD)"),
    "boolean": ("boolean", "true or false"),
}
VALUE_SHOWN = 60  # characters: a whole free text has no place in a reason
WORK_MEMORY = "256MB"  # grouping 1.47 M till keys spills to disk below about 200 MB


def quarantine(connection: Connection, contract: Contract, as_of: date) -> None:
    """Judge the rows of `new_batches`, entity by entity, and replace what quarantine holds of these batches.

    What a steward released or discarded, and what was taken out for privacy, keeps its status.
    """
    with connection.cursor() as cursor:
        cursor.execute("select set_config('work_mem', %s, true)", (WORK_MEMORY,))
        cursor.execute(
            "create temporary table rejections (entity text, batch_id text, row_number bigint, field text, rule text,"
            " reason text, record jsonb)"
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
            cursor.execute(_broken_values(contract, entity, new))
            if entity.keys:
                cursor.execute(_repeated_keys(contract, entity, new))
            if entity.keys and entity.load == "append" and entity.name in accepted_before:
                cursor.execute(_keys_accepted_before(contract, entity, as_of, new))
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
        (department, entity, batch_id, row_number, field, rule, reason, record, as_of)
    select %(department)s, entity, batch_id, row_number, field, rule, reason, record, %(as_of)s
    from rejections
    on conflict do nothing
"""


def _broken_values(contract: Contract, entity: Entity, new: sql.Literal) -> sql.Composable:
    """Find missing, uncastable and out-of-range values in one scan; only broken rows are taken apart by field.

    The list `new` repeats the join, because PostgreSQL then throws out old rows before it looks at their values: a day
    of 3,920 lines after 1.45 M old ones took 2.3 s of processor time without it.
    """
    ruled = [column for column in entity.columns if column.required or column.type != "text"]
    return sql.SQL("""
        insert into rejections
        select b.entity, b.batch_id, r._row_number, v.field, v.rule,
            b.source_name || ' row ' || r._row_number || ': ' || v.field || ' ' || v.words,
            {record}
        from {table} r
        join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
        cross join lateral (values {fields}) v (field, rule, words)
        where ({all_good}) is not true and v.rule is not null
    """).format(
        record=_RECORD,
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        fields=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(sql.Literal(column.name), _verdict(column), _words(column))
            for column in ruled
        ),
        all_good=sql.SQL(" and ").join(_is_good(column) for column in ruled),
    )


# The row as it came, without the loader's own columns.
_RECORD = sql.SQL("to_jsonb(r) - array(select k from jsonb_object_keys(to_jsonb(r)) k where k like '\\_%')")


def _value(column: Column) -> sql.Composable:
    return sql.SQL("r.{}").format(sql.Identifier(column.name))


def _is_castable(column: Column) -> sql.Composable:
    """Check that staging's cast will work and gives a plain value.

    pg_input_is_valid alone lets 'NaN', 'infinity', 'now' and 'tomorrow' pass: a number or date begins with a digit
    (ascii 48 to 57) after its sign. The sign is stripped only if needed: for every value that doubles the time.
    """
    kind = TYPES[column.type][0]
    check = "pg_input_is_valid({value}, {kind})"
    if kind not in ("bigint", "boolean"):
        check += " and (ascii({value}) between 48 and 57 or ascii(ltrim({value}, ' +-.')) between 48 and 57)"
    return sql.SQL(check).format(value=readable(column), kind=sql.Literal(kind))


def _limits(column: Column) -> list[tuple[str, sql.Composable]]:
    """Name the limits of a column and when a castable value breaks them."""
    given = (("minimum", "<", column.minimum), ("maximum", ">", column.maximum))
    return [
        (
            rule,
            sql.SQL("{}::{} {} {}").format(
                readable(column), sql.SQL(TYPES[column.type][0]), sql.SQL(sign), sql.Literal(_number(limit))
            ),
        )
        for rule, sign, limit in given
        if limit is not None
    ]


def _is_good(column: Column) -> sql.Composable:
    """Say in the cheapest way whether a value keeps all rules; `_verdict` is asked for broken rows only."""
    filled = sql.SQL("btrim({}) <> ''").format(_value(column))
    if column.type == "text":
        return filled
    limits = [sql.SQL("when {} then false").format(breaks) for _, breaks in _limits(column)]
    good = sql.SQL("case when ({}) is not true then false {} else true end").format(
        _is_castable(column), sql.SQL(" ").join(limits)
    )
    if column.required:  # a missing value is null or cannot be cast, so it needs no check of its own
        return sql.SQL("{} is true").format(good)
    return sql.SQL("({} is not true or {})").format(filled, good)


def _verdict(column: Column) -> sql.Composable:
    """Name the first rule that a value breaks, or null. CASE keeps the cast behind the check that it is possible."""
    missing = sql.SQL("'missing'" if column.required else "null")
    steps = [sql.SQL("when (btrim({}) <> '') is not true then {}").format(_value(column), missing)]
    if column.type != "text":
        steps.append(sql.SQL("when not ({}) then 'type'").format(_is_castable(column)))
    steps += [sql.SQL("when {} then {}").format(breaks, sql.Literal(rule)) for rule, breaks in _limits(column)]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(steps))


def _words(column: Column) -> sql.Composable:
    """Say what is wrong with the value; a personal value stays out of the sentence, the record holds it."""
    shown = sql.SQL("'(value withheld)'")
    if not column.personal_data:
        shown = sql.SQL("'''' || left({}, {}) || ''''").format(_value(column), sql.Literal(VALUE_SHOWN))
    says = {
        "missing": "is missing",
        "type": _wanted(column),
        "minimum": f"is below {_number(column.minimum)}",
        "maximum": f"is above {_number(column.maximum)}",
    }
    cases = sql.SQL(" ").join(
        sql.SQL("when {} then {}").format(sql.Literal(rule), sql.Literal(words)) for rule, words in says.items()
    )
    return sql.SQL("""
        case when {verdict} = 'missing' then '' else {shown} || ' ' end || case {verdict} {cases} end
    """).format(verdict=_verdict(column), shown=shown, cases=cases)


def _wanted(column: Column) -> str:
    """Say what a value should have been."""
    if column.type == "text":
        return ""
    kind = TYPES[column.type][1]
    return f"is not {kind.split(' (')[0]} written as {column.format}" if column.format else f"is not {kind}"


def _number(limit: float | None) -> float | int | None:
    """Write 1.0 as 1: PostgreSQL then compares integers as integers."""
    return int(limit) if limit is not None and limit == int(limit) else limit


def _keys(entity: Entity, alias: str) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.SQL(alias), sql.Identifier(key)) for key in entity.keys)


def _repeated_keys(contract: Contract, entity: Entity, new: sql.Literal) -> sql.Composable:
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
                first_value(r._row_number) over first_come as first_row
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
            record
        from ranked
        where place > 1
    """).format(
        keys=_keys(entity, "r"),
        within=within,
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        record=_RECORD,
        key_names=sql.Literal(", ".join(entity.keys)),
    )


def _keys_accepted_before(contract: Contract, entity: Entity, as_of: date, new: sql.Literal) -> sql.Composable:
    """Reject rows whose key an earlier run has already accepted (what the gate let in stays).

    Keys are compared first and verdicts only for the few that meet: half the processor time on 1.45 M old lines.
    """
    return sql.SQL("""
        with met as materialized (
            select b.entity, b.batch_id, r._row_number as row_number, b.source_name, {record} as record,
                o._batch_id as old_batch_id, o._row_number as old_row_number
            from {table} r
            join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
            join {table} o on ({keys}) = ({old_keys}) and o._batch_id <> all({new})
        )
        insert into rejections
        select distinct on (met.batch_id, met.row_number)
            met.entity, met.batch_id, met.row_number, {key_names}, 'duplicate_key',
            met.source_name || ' row ' || met.row_number || ': same ' || {key_names} || ' as row ' || met.old_row_number
                || ' of ' || {department} || '/' || earlier.source_name || ', accepted on ' || v.as_of,
            met.record
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
            )
        order by met.batch_id, met.row_number, earlier.delivered_date, met.old_row_number
    """).format(
        key_names=sql.Literal(", ".join(entity.keys)),
        record=_RECORD,
        table=sql.Identifier(contract.raw_schema, entity.name),
        new=new,
        keys=_keys(entity, "r"),
        old_keys=_keys(entity, "o"),
        department=sql.Literal(contract.department),
        as_of=sql.Literal(as_of),
        batches=sql.Identifier(contract.raw_schema, "_batches"),
    )


def _malformed_lines(contract: Contract) -> sql.Composable:
    """Take over the lines that landing could not read as a row."""
    return sql.SQL("""
        insert into rejections
        select b.entity, m.batch_id, m.row_number, '', 'malformed_line', b.source_name || ' row ' || m.row_number
            || ': ' || m.reason, jsonb_build_object('line', m.line)
        from {lines} m
        join new_batches b using (batch_id)
    """).format(lines=sql.Identifier(contract.raw_schema, "_malformed_lines"))
