"""The contract's rules on the values of a row: required, type, minimum, maximum, and that nothing happened after it was
delivered; as one set-based statement."""

from psycopg2 import sql

from expectations.formats import readable
from landing.columns import Column
from landing.contracts import Entity

# The PostgreSQL type that staging casts to, and how a steward calls it.
TYPES = {
    "integer": ("bigint", "an integer"),
    "decimal": ("numeric", "a number"),
    "timestamp": ("timestamp", "a timestamp (YYYY-MM-DD hh:mm:ss)"),
    "date": ("date", "a date (YYYY-MM-DD)"),
    "boolean": ("boolean", "true or false"),
}
# What happened on a day is told by its end; a day more for other time zones and clocks.
DAYS_AHEAD = 2
VALUE_SHOWN = 60  # characters: a whole free text has no place in a reason


def record_of(row: str) -> sql.Composable:
    """Write the row of the given alias as it came, without the loader's own columns."""
    text = "to_jsonb({r}) - array(select k from jsonb_object_keys(to_jsonb({r})) k where k like '\\_%')"
    return sql.SQL(text).format(r=sql.SQL(row))


def broken_values(entity: Entity, table: sql.Composable, new: sql.Literal) -> sql.Composable:
    """Find missing, uncastable and out-of-range values in one scan of `table`; only broken rows are taken apart.

    The list `new` repeats the join, because PostgreSQL then throws out old rows before it looks at their values: a day
    of 3,920 lines after 1.45 M old ones took 2.3 s of processor time without it.
    """
    ruled = [
        (column, column.name == entity.cursor and column.type in ("timestamp", "date"))
        for column in entity.columns
        if column.required or column.type != "text"
    ]
    return sql.SQL("""
        insert into rejections (entity, batch_id, row_number, field, rule, reason, record)
        select b.entity, b.batch_id, r._row_number, v.field, v.rule,
            b.source_name || ' row ' || r._row_number || ': ' || v.field || ' ' || v.words,
            {record}
        from {table} r
        join new_batches b on b.batch_id = r._batch_id and r._batch_id = any({new})
        cross join lateral (values {fields}) v (field, rule, words)
        where ({all_good}) is not true and v.rule is not null
    """).format(
        record=record_of("r"),
        table=table,
        new=new,
        fields=sql.SQL(", ").join(
            sql.SQL("({}, {}, {})").format(sql.Literal(column.name), _verdict(column, dates), _words(column, dates))
            for column, dates in ruled
        ),
        all_good=sql.SQL(" and ").join(_is_good(column, dates) for column, dates in ruled),
    )


def _value(column: Column) -> sql.Composable:
    return sql.SQL("r.{}").format(sql.Identifier(column.name))


def is_castable(column: Column) -> sql.Composable:
    """Check that staging's cast will work and gives a plain value.

    pg_input_is_valid alone lets 'NaN', 'infinity', 'now' and 'tomorrow' pass: a number or date begins with a digit
    (ascii 48 to 57) after its sign. The sign is stripped only if needed: for every value that doubles the time.
    """
    kind = TYPES[column.type][0]
    check = "pg_input_is_valid({value}, {kind})"
    if kind not in ("bigint", "boolean"):
        check += " and (ascii({value}) between 48 and 57 or ascii(ltrim({value}, ' +-.')) between 48 and 57)"
    if kind in ("timestamp", "date"):  # 04.12.2017 would become the 12th of April
        check += " and ltrim({value}) like '____-__-__%'"
    return sql.SQL(check).format(value=readable(column), kind=sql.Literal(kind))


def _limits(column: Column, dates: bool) -> list[tuple[str, sql.Composable]]:
    """Name the limits of a column and when a castable value breaks them; `dates`: it tells when the row happened."""
    given = (("minimum", "<", column.minimum), ("maximum", ">", column.maximum))
    limits = [
        (
            rule,
            sql.SQL("{}::{} {} {}").format(
                readable(column), sql.SQL(TYPES[column.type][0]), sql.SQL(sign), sql.Literal(plain_number(limit))
            ),
        )
        for rule, sign, limit in given
        if limit is not None
    ]
    if dates:
        late = sql.SQL("{}::{} >= b.delivered_date + {}")
        kind = sql.SQL(TYPES[column.type][0])
        limits.append(("future", late.format(readable(column), kind, sql.Literal(DAYS_AHEAD))))
    return limits


def _is_good(column: Column, dates: bool) -> sql.Composable:
    """Say in the cheapest way whether a value keeps all rules; `_verdict` is asked for broken rows only."""
    filled = sql.SQL("btrim({}) <> ''").format(_value(column))
    if column.type == "text":
        return filled
    limits = [sql.SQL("when {} then false").format(breaks) for _, breaks in _limits(column, dates)]
    good = sql.SQL("case when ({}) is not true then false {} else true end").format(
        is_castable(column), sql.SQL(" ").join(limits)
    )
    if column.required:  # a missing value is null or cannot be cast, so it needs no check of its own
        return sql.SQL("{} is true").format(good)
    return sql.SQL("({} is not true or {})").format(filled, good)


def _verdict(column: Column, dates: bool) -> sql.Composable:
    """Name the first rule that a value breaks, or null. CASE keeps the cast behind the check that it is possible."""
    missing = sql.SQL("'missing'" if column.required else "null")
    steps = [sql.SQL("when (btrim({}) <> '') is not true then {}").format(_value(column), missing)]
    if column.type != "text":
        steps.append(sql.SQL("when ({}) is not true then 'type'").format(is_castable(column)))
    steps += [sql.SQL("when {} then {}").format(breaks, sql.Literal(rule)) for rule, breaks in _limits(column, dates)]
    return sql.SQL("case {} end").format(sql.SQL(" ").join(steps))


def shown(column: Column) -> sql.Composable:
    """Write the value for a reason; one of a person stays out of it."""
    if column.personal_data:
        return sql.SQL("'(value withheld)'")
    return sql.SQL("'''' || left({}, {}) || ''''").format(_value(column), sql.Literal(VALUE_SHOWN))


def _words(column: Column, dates: bool) -> sql.Composable:
    """Say what is wrong with the value; a personal value stays out of the sentence, the record holds it."""
    says = {
        "missing": "is missing",
        "type": _wanted(column),
        "minimum": f"is below {plain_number(column.minimum)}",
        "maximum": f"is above {plain_number(column.maximum)}",
        "future": "lies after the day of its delivery",
    }
    cases = sql.SQL(" ").join(
        sql.SQL("when {} then {}").format(sql.Literal(rule), sql.Literal(words)) for rule, words in says.items()
    )
    return sql.SQL("""
        case when {verdict} = 'missing' then '' else {shown} || ' ' end || case {verdict} {cases} end
    """).format(verdict=_verdict(column, dates), shown=shown(column), cases=cases)


def _wanted(column: Column) -> str:
    """Say what a value should have been."""
    if column.type == "text":
        return ""
    kind = TYPES[column.type][1]
    return f"is not {kind.split(' (')[0]} written as {column.format}" if column.format else f"is not {kind}"


def plain_number(limit: float | None) -> float | int | None:
    """Write 1.0 as 1: PostgreSQL then compares integers as integers."""
    return int(limit) if limit is not None and limit == int(limit) else limit
