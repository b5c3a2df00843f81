"""Are the new values like those of the same weekday? Profiles of each day's values, kept, and two expectations on them.

A unit that changed (cents for euros), a flag that means the opposite or a code that stands everywhere keeps its type
and its range, so no row is wrong and the day is. A profile is made once, of what is new; the days compared are those
before it with the same weekday and an accepted delivery, so never the value under test itself.
"""

from datetime import date

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from expectations.formats import readable
from expectations.rules import Subject
from landing.columns import Column
from landing.contracts import Contract, Entity

WEEKS_COMPARED = 8  # as for the number of rows
DAYS_NEEDED = 3  # a median of fewer days is one odd day
# Half of the new values beyond what a twentieth was: of 20 values by chance once in 10 ** 8 (binomial, 0.05).
NEW_NUMBERS, KNOWN_NUMBERS = 20, 100
LOW, HIGH = 0.05, 0.95
# A share that moved by 0.3 and by six standard errors is no mood of the day; chosen, not measured.
NEW_VALUES, KNOWN_VALUES = 30, 100
SHARE_MOVED, ERRORS_MOVED = 0.3, 6

_PROFILE = """
    delete from quality.value_profiles
    where department = {department} and entity = {entity}
        and delivered_date in (select delivered_date from new_batches where entity = {entity});
    insert into quality.value_profiles
        (department, entity, field, delivered_date, value, rows, low, middle, high, as_of)
    {parts}
"""
_NUMBERS = """
    select {department}, {entity}, {field}, b.delivered_date, '', count(*),
        percentile_cont({low}) within group (order by r.number)::numeric,
        percentile_cont(0.5) within group (order by r.number)::numeric,
        percentile_cont({high}) within group (order by r.number)::numeric, {as_of}
    from (
        select r._batch_id, {value}::numeric as number from {rows} r where btrim(r.{column}) <> ''
    ) r
    join new_batches b on b.batch_id = r._batch_id and b.delivered_date > {as_of} - {days}
    group by b.delivered_date
"""
_SHARES = """
    select {department}, {entity}, {field}, b.delivered_date, lower(btrim(coalesce(r.{column}, ''))) as value, count(*),
        null::numeric, null::numeric, null::numeric, {as_of}
    from {rows} r
    join new_batches b on b.batch_id = r._batch_id and b.delivered_date > {as_of} - {days}
    group by b.delivered_date, value
"""
# The days of history are no news: whoever connects a department looks at them as a whole.
_DAYS = """
    create temporary table new_days on commit drop as
    select distinct entity, delivered_date from new_batches where known_date >= landed_as_of and not is_released;
    create temporary table days_before on commit drop as
    select distinct n.entity, n.delivered_date, b.delivered_date as earlier
    from new_days n
    join {table} b on b.entity = n.entity and b.delivered_date < n.delivered_date
        and b.delivered_date >= n.delivered_date - {weeks} * 7
        and extract(isodow from b.delivered_date) = extract(isodow from n.delivered_date)
    join quality.batch_verdicts v on v.department = {department} and v.entity = b.entity
        and v.batch_id = b.batch_id and v.verdict = 'accepted';
    create temporary view profiles as select * from quality.value_profiles where department = {department}
"""
NUMBERS = """
    select n.entity || '.' || n.field || ' of ' || n.delivered_date as object,
        'median ' || trim_scale(n.middle) || ' of ' || n.rows || ' values, usual are '
            || trim_scale(usual.low) || ' to ' || trim_scale(usual.high) as observed,
        n.middle < usual.low or n.middle > usual.high as is_broken
    from profiles n
    join new_days using (entity, delivered_date)
    cross join lateral (
        select count(*) as days, sum(p.rows) as rows,
            percentile_cont(0.5) within group (order by p.low)::numeric as low,
            percentile_cont(0.5) within group (order by p.high)::numeric as high
        from days_before d
        join profiles p on p.entity = n.entity and p.field = n.field and p.delivered_date = d.earlier
        where d.entity = n.entity and d.delivered_date = n.delivered_date and p.middle is not null
    ) usual
    where n.middle is not null and n.rows >= {new} and usual.days >= {days} and usual.rows >= {known}
    order by is_broken desc, object
"""
SHARES = """
    with counted as (
        select p.entity, p.field, p.delivered_date, p.value, p.rows as here, 0 as there, p.delivered_date as day
        from profiles p
        join new_days using (entity, delivered_date)
        where p.middle is null
        union all
        select p.entity, p.field, d.delivered_date, p.value, 0, p.rows, d.earlier
        from days_before d
        join profiles p on p.entity = d.entity and p.delivered_date = d.earlier and p.middle is null
    ),
    totals as (
        select entity, field, delivered_date, sum(here) as total, sum(there) as known, count(distinct day) - 1 as days
        from counted
        group by entity, field, delivered_date
    ),
    compared as (
        select entity, field, delivered_date, value, total, known, sum(here) / total as share,
            sum(there) / known as usual
        from counted
        join totals using (entity, field, delivered_date)
        where total >= {new} and days >= {days} and known >= {needed}
        group by entity, field, delivered_date, value, total, known
    )
    select entity || '.' || field || ' of ' || delivered_date as object,
        round(100 * share) || ' % of ' || total || ' rows are ' || coalesce(nullif(value, ''), 'empty')
            || ', usual are ' || round(100 * usual) || ' %' as observed,
        abs(share - usual) >= greatest(
            {moved}, {errors} * sqrt(greatest(usual * (1 - usual), 0.0025) * (1 / total + 1 / known))
        ) as is_broken
    from compared
    order by is_broken desc, object, observed
"""


def profile(connection: Connection, contract: Contract, as_of: date) -> None:
    """Keep how the values of the new batches are distributed, by the day they were delivered for."""
    names = {"department": sql.Literal(contract.department), "as_of": sql.Literal(as_of)}
    with connection.cursor() as cursor:
        batches = sql.Identifier(contract.raw_schema, "_batches")
        cursor.execute(sql.SQL(_DAYS).format(table=batches, weeks=sql.Literal(WEEKS_COMPARED), **names))
        for entity in contract.entities:
            parts = [_numbers(entity, column, names) for column in entity.columns if _is_number(entity, column)]
            parts += [_shares(entity, column, names) for column in entity.columns if _is_closed(column)]
            if parts:
                union = sql.SQL(" union all ").join(parts)
                cursor.execute(sql.SQL(_PROFILE).format(entity=sql.Literal(entity.name), parts=union, **names))


def usual_values(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the profiles; a department that hands over neither numbers nor codes is not asked."""
    fields = [(entity, column) for entity in contract.entities for column in entity.columns]
    advice = f"Ask {contract.owner} whether a unit or a meaning changed. If the day is right, release it."
    rules = []
    if any(_is_number(entity, column) for entity, column in fields):
        rules.append(
            subject.measure(
                "numbers_are_in_their_usual_range",
                NUMBERS,
                severity="critical",
                law="The middle of the new numbers lies where nearly all of the same weekday lie.",
                threshold=f"median between the {LOW:.0%} and {HIGH:.0%} quantiles of {WEEKS_COMPARED} such weekdays",
                advice=advice,
                new=NEW_NUMBERS,
                known=KNOWN_NUMBERS,
                days=DAYS_NEEDED,
            )
        )
    if any(_is_closed(column) for _, column in fields):
        rules.append(
            subject.measure(
                "codes_have_their_usual_shares",
                SHARES,
                severity="critical",
                law="No code is much more or less frequent than on the same weekday.",
                threshold=f"moved by less than {SHARE_MOVED} or {ERRORS_MOVED} standard errors",
                advice=advice,
                new=NEW_VALUES,
                needed=KNOWN_VALUES,
                moved=SHARE_MOVED,
                errors=ERRORS_MOVED,
                days=DAYS_NEEDED,
            )
        )
    return rules


def _is_number(entity: Entity, column: Column) -> bool:
    """A quantity: a decimal, or an integer that is bounded below alone. Others name something: a week, a shop."""
    is_count = column.type == "integer" and column.minimum is not None and column.maximum is None
    return (column.type == "decimal" or is_count) and column.name not in entity.keys and not column.personal_data


def _is_closed(column: Column) -> bool:
    """One of a few codes: yes and no, or the values that the contract lists."""
    return not column.personal_data and (column.type == "boolean" or bool(column.values))


def _numbers(entity: Entity, column: Column, names: dict) -> sql.Composable:
    quantiles = {"low": sql.Literal(LOW), "high": sql.Literal(HIGH)}
    return sql.SQL(_NUMBERS).format(value=readable(column), **quantiles, **_named(entity, column), **names)


def _shares(entity: Entity, column: Column, names: dict) -> sql.Composable:
    return sql.SQL(_SHARES).format(**_named(entity, column), **names)


def _named(entity: Entity, column: Column) -> dict[str, sql.Composable]:
    return {
        "entity": sql.Literal(entity.name),
        "field": sql.Literal(column.name),
        "column": sql.Identifier(column.name),
        "rows": sql.Identifier(f"new_{entity.name}"),
        "days": sql.Literal(WEEKS_COMPARED * 7 + 1),
    }
