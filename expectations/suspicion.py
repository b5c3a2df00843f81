"""Marks values that keep their type and are still not to be believed: `quality.suspect_values`. Their rows go on.

The checks are the contract's (`landing/plausibility.py`), each a set-based statement over the new batches. Those that
need a frequency (`typos`, `determines`, `not_swapped`) count over all rows that count so far. No value of a person
stands in a reason.
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.formats import readable
from expectations.row_rules import TYPES, is_castable, plain_number, shown
from landing.contracts import Column, Contract, Entity
from landing.plausibility import Determines, NotSwapped, OneFilled, Ordered

# A rare value counts as a misspelling if a value one keystroke away is seen this many times as often ...
FREQUENT_TIMES = 20
# ... and has this many letters: of shorter ones too many differ by a letter (Jan and Jon, AL and AK).
TYPO_LETTERS = 4
LONGEST_WORD = 60  # variants of a value grow with the square of its length
# One value for the same key is the rule if at least so many rows have it, and this many times as often as the other.
MAJORITY_ROWS, MAJORITY_TIMES = 3, 4
# How much likelier swapped than not, by the frequencies in both columns (naive Bayes, half a row added to each).
SWAPPED_ODDS = 20
# UTF-8 read as cp1252 or Latin-1: a lead byte of two (Ã, Â, Ä, Å) or three bytes (â€) followed by a continuation byte.
MOJIBAKE = "[ÂÃÄÅ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|\ufffd"

_MARK = """
    insert into suspects (entity, batch_id, row_number, field, rule, reason)
    select b.entity, b.batch_id, r._row_number, v.field, v.rule,
        b.source_name || ' row ' || r._row_number || ': ' || v.field || ' ' || v.words
    from {table} r
    join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
    cross join lateral (values {checks}) v (field, rule, is_broken, words)
    where v.is_broken
"""
_TYPOS = """
    with counted as materialized (
        select lower(btrim({column})) as value, count(*) as rows
        from {accepted}
        where length(btrim({column})) between {letters} and {longest}
        group by 1
    ),
    looked_at as ( -- the frequent values, and of the rare ones those that came today
        select value, rows from counted where rows >= {times}
        union
        select c.value, c.rows
        from {table} r
        join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
        join counted c on c.value = lower(btrim(r.{column}))
    ),
    variants as materialized ( -- two values meet in a variant if one keystroke, or two letters swapped, is between them
        select value, rows, value as variant from looked_at
        union
        select c.value, c.rows, overlay(c.value placing '' from n for 1)
        from looked_at c
        cross join lateral generate_series(1, length(c.value)) n
    ),
    misspelt as materialized (
        select distinct rare.value
        from variants rare
        join variants frequent using (variant)
        where rare.rows * {times} <= frequent.rows and rare.value !~ '^[0-9 .,-]+$'
    )
    insert into suspects (entity, batch_id, row_number, field, rule, reason)
    select b.entity, b.batch_id, r._row_number, {field}, 'typo',
        b.source_name || ' row ' || r._row_number || ': ' || {field} || ' ' || {shown}
            || ' is rare, and a keystroke away from a frequent value'
    from {table} r
    join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
    where lower(btrim(r.{column})) in (select value from misspelt)
"""
_DETERMINED = """
    with counted as materialized (
        select {keys}, btrim({column}) as value, count(*) as rows
        from {accepted}
        where {keys_filled} and btrim({column}) <> ''
            and ({key_columns}) in (
                select {new_keys} from {table} r
                join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
            )
        group by {places}
    ),
    ruled as (
        select *, max(rows) over (partition by {names}) as most from counted
    )
    insert into suspects (entity, batch_id, row_number, field, rule, reason)
    select b.entity, b.batch_id, r._row_number, {field}, 'determined',
        b.source_name || ' row ' || r._row_number || ': ' || {field} || ' ' || {shown} || ' is not what ' || q.most
            || ' rows with the same ' || {by} || ' say'
    from {table} r
    join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
    join ruled q on {same} and q.value = btrim(r.{plain})
    where q.most >= {least} and q.most >= {times} * q.rows
"""
_SWAPPED = """
    with seen as materialized (
        select lower(btrim(v.value)) as value,
            count(*) filter (where v.is_left) as left_rows, count(*) filter (where not v.is_left) as right_rows
        from {accepted}
        cross join lateral (values (true, {left}), (false, {right})) v (is_left, value)
        where btrim(v.value) <> ''
        group by 1
    )
    insert into suspects (entity, batch_id, row_number, field, rule, reason)
    select b.entity, b.batch_id, r._row_number, {field}, 'swapped',
        b.source_name || ' row ' || r._row_number || ': ' || {field} || ' and ' || {other}
            || ' seem to stand in each other''s place'
    from {table} r
    join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
    join seen l on l.value = lower(btrim(r.{left}))
    join seen t on t.value = lower(btrim(r.{right}))
    where l.value <> t.value
        and (l.right_rows + 0.5) * (t.left_rows + 0.5)
            >= {odds} * greatest(l.left_rows - 0.5, 0.5) * greatest(t.right_rows - 0.5, 0.5)
"""
_LUHN = """
    {v} !~ '^[0-9]+$' or (
        select sum(case when (length({v}) - place) % 2 = 0 then digit else digit * 2 - 9 * (digit > 4)::int end)
        from (select place, substr({v}, place, 1)::int as digit from generate_series(1, length({v})) place) digits
    ) % 10 <> 0
"""
_REPLACE = """
    delete from quality.suspect_values old
    using new_batches b
    where old.department = %(department)s and old.entity = b.entity and old.batch_id = b.batch_id;
    insert into quality.suspect_values (department, entity, batch_id, row_number, field, rule, reason, as_of)
    select distinct on (entity, batch_id, row_number, field, rule)
        %(department)s, entity, batch_id, row_number, field, rule, reason, %(as_of)s
    from suspects
    order by entity, batch_id, row_number, field, rule, reason
"""


def mark_suspects(connection: Connection, contract: Contract, as_of: date) -> None:
    """Judge the values of the new batches and replace what is marked of them (needs the views of `batches`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create temporary table suspects (entity text, batch_id text, row_number bigint, field text, rule text,"
            " reason text)"
        )
        for entity in contract.entities:
            for statement in _statements(contract, entity):
                cursor.execute(statement)
        cursor.execute("analyze suspects")
        cursor.execute(_REPLACE, {"department": contract.department, "as_of": as_of})


def _statements(contract: Contract, entity: Entity) -> list[sql.Composable]:
    """Write what has to be run for the checks of one entity; nothing for most."""
    if not entity.marks_suspects:
        return []
    names = {
        "table": sql.Identifier(contract.raw_schema, entity.name),
        "accepted": sql.Identifier(f"accepted_{entity.name}"),
        "entity": sql.Literal(entity.name),
    }
    first_day = sql.SQL("(select min(delivered_date) from {} where entity = {})").format(
        sql.Identifier(contract.raw_schema, "_batches"), sql.Literal(entity.name)
    )
    columns = {column.name: column for column in entity.columns}
    simple = [check for column in entity.columns for check in _of_a_value(column, first_day)]
    simple += [_in_a_row(check, columns) for check in entity.checks if isinstance(check, Ordered | OneFilled)]
    statements = [sql.SQL(_MARK).format(checks=sql.SQL(", ").join(simple), **names)] if simple else []
    statements += [_misspelt(column, names) for column in entity.columns if column.typos]
    for check in entity.checks:
        if isinstance(check, Determines):
            statements += [_determined(check, columns[name], names) for name in check.determines]
        if isinstance(check, NotSwapped):
            statements.append(_swapped(check, names))
    return statements


def _of_a_value(column: Column, first_day: sql.Composable) -> list[sql.Composable]:
    """Write the checks on one value as (field, rule, is_broken, words)."""
    value = sql.SQL("btrim(r.{})").format(sql.Identifier(column.name))
    plain = sql.SQL("r.{}").format(sql.Identifier(column.name))
    stand_ins = sql.Literal([text.lower() for text in column.placeholders])
    # What stands for nothing is marked as that, and not once more for its form.
    told = sql.SQL("{v} <> '' and lower({v}) <> all({stand_ins}::text[])").format(v=value, stand_ins=stand_ins)
    found: list[tuple[str, sql.Composable, str]] = []

    def broken(rule: str, condition: str, words: str, **values: sql.Composable) -> None:
        found.append((rule, sql.SQL(condition).format(v=value, plain=plain, told=told, **values), words))

    if column.wanted:
        broken("empty", "({v} <> '') is not true", "is empty")
    if column.placeholders:
        broken("placeholder", "lower({v}) = any({listed})", "stands for nothing known", listed=stand_ins)
    if column.pattern:
        broken(
            "pattern",
            "{told} and {v} !~ {p}",
            f"is not written like {column.pattern}",
            p=sql.Literal(f"^(?:{column.pattern})$"),
        )
    if column.values:
        listed = sql.Literal(list(column.values))
        broken("not_listed", "{told} and {v} <> all({listed})", "is not in the contract's list", listed=listed)
    if column.checksum == "luhn":
        broken("checksum", "{told} and (" + _LUHN + ")", "has a wrong check digit")
    if column.tidy:
        broken("blanks", "{plain} <> {v} or {v} ~ '\\s\\s'", "has blanks that do not belong there")
        broken("encoding", "{v} ~ {p}", "was read in a wrong encoding", p=sql.Literal(MOJIBAKE))
    if column.tidy == "name":
        broken(
            "letter_case",
            "length({v}) > 2 and lower({v}) <> upper({v}) and ({v} = upper({v}) or {v} = lower({v}))",
            "is written in capitals or small letters only",
        )
    checks = [
        sql.SQL("({}, {}, {}, {})").format(
            sql.Literal(column.name), sql.Literal(rule), condition, _words(column, rule, words)
        )
        for rule, condition, words in found
    ]
    if column.plausible:
        checks.append(_out_of_range(column))
    if column.late_after_days is not None:
        checks.append(_late(column, first_day))
    return checks


def _words(column: Column, rule: str, words: str) -> sql.Composable:
    if rule == "empty":
        return sql.Literal(words)
    return sql.SQL("{} || ' ' || {}").format(shown(column), sql.Literal(words))


def _out_of_range(column: Column) -> sql.Composable:
    """Write the check of a plausible range; CASE keeps the cast behind the check that it is possible."""
    ends = ((column.plausible.minimum, "<"), (column.plausible.maximum, ">"))
    kind = sql.SQL(TYPES[column.type][0])
    beyond = sql.SQL(" or ").join(
        sql.SQL("{}::{} {} {}").format(readable(column), kind, sql.SQL(sign), _limit(end, kind))
        for end, sign in ends
        if end is not None
    )
    limits = " to ".join("" if end is None else str(end) for end, _ in ends)
    return sql.SQL("({field}, 'implausible', case when {castable} then {beyond} else false end, {words})").format(
        field=sql.Literal(column.name),
        castable=is_castable(column),
        beyond=beyond,
        words=_words(column, "implausible", f"is outside {limits}"),
    )


def _limit(end: float | date, kind: sql.SQL) -> sql.Composable:
    if isinstance(end, date):
        return sql.SQL("{}::{}").format(sql.Literal(end.isoformat()), kind)
    return sql.Literal(plain_number(end))


def _late(column: Column, first_day: sql.Composable) -> sql.Composable:
    """Write the check that a moment is not long before its delivery; the first delivery holds the history."""
    return sql.SQL("""({field}, 'late', case
        when {castable} and b.delivered_date > {first_day}
            then {value}::{kind}::date < b.delivered_date - {days} else false end, {words})""").format(
        field=sql.Literal(column.name),
        castable=is_castable(column),
        first_day=first_day,
        value=readable(column),
        kind=sql.SQL(TYPES[column.type][0]),
        days=sql.Literal(column.late_after_days),
        words=_words(column, "late", f"is more than {column.late_after_days} days before its delivery"),
    )


def _in_a_row(check: Ordered | OneFilled, columns: dict[str, Column]) -> sql.Composable:
    """Write a check that compares columns of one row as (field, rule, is_broken, words)."""
    if isinstance(check, OneFilled):
        empty = sql.SQL(" and ").join(
            sql.SQL("(btrim(r.{}) <> '') is not true").format(sql.Identifier(name)) for name in check.one_filled
        )
        words = f"is empty, and so are {', '.join(check.one_filled[1:])}"
        return sql.SQL("({}, 'none_filled', {}, {})").format(
            sql.Literal(check.one_filled[0]), empty, sql.Literal(words)
        )
    first, second = (columns[name] for name in check.ordered)
    return sql.SQL("({}, 'order', case when {} and {} then {}::{kind} > {}::{kind} else false end, {})").format(
        sql.Literal(second.name),
        is_castable(first),
        is_castable(second),
        readable(first),
        readable(second),
        sql.Literal(f"is before {first.name}"),
        kind=sql.SQL(TYPES[first.type][0]),
    )


def _misspelt(column: Column, names: dict) -> sql.Composable:
    return sql.SQL(_TYPOS).format(
        column=sql.Identifier(column.name),
        field=sql.Literal(column.name),
        shown=shown(column),
        letters=sql.Literal(TYPO_LETTERS),
        longest=sql.Literal(LONGEST_WORD),
        times=sql.Literal(FREQUENT_TIMES),
        **names,
    )


def _determined(check: Determines, column: Column, names: dict) -> sql.Composable:
    def each(form: str, separator: str = ", ") -> sql.Composable:
        return sql.SQL(separator).join(sql.SQL(form).format(sql.Identifier(name)) for name in check.by)

    return sql.SQL(_DETERMINED).format(
        keys=each("{}"),
        key_columns=each("{}"),
        new_keys=each("r.{}"),
        names=each("{}"),
        places=sql.SQL(", ").join(sql.SQL(str(n)) for n in range(1, len(check.by) + 2)),
        keys_filled=each("btrim({}) <> ''", " and "),
        same=each("q.{0} = r.{0}", " and "),
        by=sql.Literal(", ".join(check.by)),
        column=sql.Identifier(column.name),
        plain=sql.Identifier(column.name),
        field=sql.Literal(column.name),
        shown=shown(column),
        least=sql.Literal(MAJORITY_ROWS),
        times=sql.Literal(MAJORITY_TIMES),
        **names,
    )


def _swapped(check: NotSwapped, names: dict) -> sql.Composable:
    left, right = check.not_swapped
    return sql.SQL(_SWAPPED).format(
        left=sql.Identifier(left),
        right=sql.Identifier(right),
        field=sql.Literal(left),
        other=sql.Literal(right),
        odds=sql.Literal(SWAPPED_ODDS),
        **names,
    )
