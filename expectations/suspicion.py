"""Marks values that keep their type and are still not to be believed: `quality.suspect_values`. Their rows go on.

The checks are the contract's (`landing/plausibility.py`), each a set-based statement over the new batches. What one row
tells by itself is in `plausibility.py`; those that need a frequency (`typos`, `determines`, `not_swapped`) count over
all rows that count so far. No value of a person stands in a reason.
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.plausibility import check_in_a_row, checks_of_a_value
from expectations.row_rules import shown
from landing.columns import Column
from landing.contracts import Contract, Entity
from landing.plausibility import Determines, NotSwapped, OneFilled, Ordered

# A rare value counts as a misspelling if a value one keystroke away is seen this many times as often ...
FREQUENT_TIMES = 20  # chosen, not measured
# ... and has this many letters: of shorter ones too many differ by a letter (Jan and Jon, AL and AK).
TYPO_LETTERS = 4
LONGEST_WORD = 60  # variants of a value grow with the square of its length
# One value for the same key is the rule if at least so many rows have it, and this many times as often as the other.
MAJORITY_ROWS, MAJORITY_TIMES = 3, 4  # chosen, not measured: two rows prove nothing
# How much likelier swapped than not, by the frequencies in both columns (naive Bayes, half a row added to each).
SWAPPED_ODDS = 20  # chosen, not measured

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
    -- A table, for the planner takes what a query counts for a handful and compares all with all.
    drop table if exists pg_temp.seen_values;
    create temporary table seen_values on commit drop as
    select lower(btrim(v.value)) as value,
        count(*) filter (where v.is_left) as left_rows, count(*) filter (where not v.is_left) as right_rows
    from {accepted}
    cross join lateral (values (true, {left}), (false, {right})) v (is_left, value)
    where btrim(v.value) <> ''
    group by 1;
    analyze pg_temp.seen_values;
    insert into suspects (entity, batch_id, row_number, field, rule, reason)
    select b.entity, b.batch_id, r._row_number, {field}, 'swapped',
        b.source_name || ' row ' || r._row_number || ': ' || {field} || ' and ' || {other}
            || ' seem to stand in each other''s place'
    from {table} r
    join new_batches b on b.batch_id = r._batch_id and b.entity = {entity}
    join pg_temp.seen_values l on l.value = lower(btrim(r.{left}))
    join pg_temp.seen_values t on t.value = lower(btrim(r.{right}))
    where l.value <> t.value
        and (l.right_rows + 0.5) * (t.left_rows + 0.5)
            >= {odds} * greatest(l.left_rows - 0.5, 0.5) * greatest(t.right_rows - 0.5, 0.5)
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
    simple = [check for column in entity.columns for check in checks_of_a_value(column, first_day)]
    simple += [check_in_a_row(check, columns) for check in entity.checks if isinstance(check, Ordered | OneFilled)]
    statements = [sql.SQL(_MARK).format(checks=sql.SQL(", ").join(simple), **names)] if simple else []
    statements += [_misspelt(column, names) for column in entity.columns if column.typos]
    for check in entity.checks:
        if isinstance(check, Determines):
            statements += [_determined(check, columns[name], names) for name in check.determines]
        if isinstance(check, NotSwapped):
            statements.append(_swapped(check, names))
    return statements


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
