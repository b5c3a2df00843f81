"""One score per department and day that its owner can follow: `quality.department_health`.

Looked at are the rows of the newest deliveries: of each entity those of the last 7 days, or of as many days as the
contract lets pass before a delivery is late (a monthly list is judged by the list that counts). The figures:

- completeness: share of rows that lack no required value, times the share of the contract's entities that delivered
- validity: share of rows whose values keep type, range and form
- uniqueness: share of rows that repeat no key
- conflict_rate: share of rows that repeat a key with other content, so that nobody can tell which is right
- timeliness: mean over the entities of 1 while the newest accepted delivery is within `warn_after_days`, falling to 0
  at `hold_after_days`
- machine_rows, test_rows: rows of the last 7 days that staging marked as a machine's or a tester's and keeps out of the
  marts; counted once the warehouse is built (filtered_rows.py), not part of the score: a crawler is no owner's fault
- rows_at_stake: rows delivered and not in use at this day: waiting in quarantine, or in held batches
- customers_at_stake, money_at_stake_eur: whom they name, and what these customers spend (`money_at_stake.py`)

The score is 100 * sum(weight * points). The points of a share fall from 1 at 100 % to 0 at its FLOOR (conflicts: from
1 at none to 0 at CONFLICTS_CEILING); timeliness is its own points. `trend` is the score minus the mean of the 7 days
before, null until there is one.
"""

from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from landing.contracts import Contract

# The gate holds a file with 5 % wrong rows (REJECTED_SHARE in delivery_rules), so that is worth nothing here.
VALIDITY_FLOOR = 0.95
# A required value that lacks in one row of twenty breaks what is computed from it just as much.
COMPLETENESS_FLOOR = 0.95
# A repeated key costs nothing but work, the first row stays: double what may be wrong.
UNIQUENESS_FLOOR = 0.90
# One row in fifty that contradicts another is a source that does not know its own truth.
CONFLICTS_CEILING = 0.02
# Late and incomplete data are what decisions suffer from most; repeated keys are sorted out without harm.
WEIGHTS = {"completeness": 0.25, "validity": 0.25, "timeliness": 0.25, "uniqueness": 0.10, "conflicts": 0.15}
DAYS_SHOWN = 7

HEALTH = """
    with looked_at as (
        select b.entity, b.batch_id, b.row_count
        from {batches} b
        join contract_entities e using (entity)
        where b.status = 'landed' and b.as_of <= {as_of}
            and b.delivered_date > {as_of} - greatest({days}, e.warn_after_days) and b.delivered_date <= {as_of}
    ),
    wrong as (
        select
            count(distinct (q.batch_id, q.row_number)) filter (where q.rule = 'missing') as incomplete,
            count(distinct (q.batch_id, q.row_number))
                filter (where q.rule in ('type', 'minimum', 'maximum', 'malformed_line')) as invalid,
            count(distinct (q.batch_id, q.row_number)) filter (where q.rule = 'duplicate_key') as repeated,
            count(distinct (q.batch_id, q.row_number)) filter (where q.contradicts) as contradicting,
            count(distinct (q.batch_id, q.row_number)) filter (where q.rule = 'malformed_line') as unreadable
        from quarantine.rejected_rows q
        join looked_at l on l.entity = q.entity and l.batch_id = q.batch_id
        where q.department = {department} and q.as_of <= {as_of}
    ),
    total as (
        select coalesce((select sum(row_count) from looked_at), 0) + wrong.unreadable as row_count from wrong
    ),
    newest as (
        select e.entity, e.is_optional, e.warn_after_days, e.hold_after_days,
            {as_of} - max(b.delivered_date) filter (where b.status <> 'landed' or v.verdict = 'accepted') as age,
            max(b.delivered_date) > {as_of} - greatest({days}, e.warn_after_days) as has_delivered
        from contract_entities e
        left join {batches} b on b.entity = e.entity and b.status in ('landed', 'duplicate', 'superseded')
            and b.as_of <= {as_of} and b.delivered_date <= {as_of}
        left join quality.batch_verdicts v
            on v.department = {department} and v.entity = b.entity and v.batch_id = b.batch_id
        group by e.entity
    ),
    delivery as (
        select
            coalesce(avg(coalesce(has_delivered, false)::int), 1) as entities,
            coalesce(avg(case
                when age is null then 0
                when age <= warn_after_days then 1
                when age >= hold_after_days then 0
                else 1 - (age - warn_after_days)::numeric / (hold_after_days - warn_after_days)
            end), 1) as timeliness,
            string_agg(entity || ' (' || coalesce(age || ' days old', 'nothing accepted') || ')', ', ' order by entity)
                filter (where age is null or age > warn_after_days) as late
        from newest
        where not is_optional or has_delivered is not null
    ),
    stake as (
        select
            (
                select count(distinct (q.entity, q.batch_id, q.row_number))
                from quarantine.rejected_rows q
                where q.department = {department} and q.status = 'waiting' and q.as_of <= {as_of}
                    and not exists (
                        select from quality.batch_verdicts v
                        where v.department = {department} and v.batch_id = q.batch_id and v.verdict = 'held'
                    )
            ) + (
                select coalesce(sum(b.row_count), 0)
                from quality.batch_verdicts v
                join {batches} b on b.batch_id = v.batch_id
                where v.department = {department} and v.verdict = 'held' and v.as_of <= {as_of}
            ) as row_count
    ),
    shares as (
        select
            round(d.entities * (1 - w.incomplete / greatest(t.row_count, 1)::numeric), 4) as completeness,
            round(1 - w.invalid / greatest(t.row_count, 1)::numeric, 4) as validity,
            round(1 - w.repeated / greatest(t.row_count, 1)::numeric, 4) as uniqueness,
            round(d.timeliness, 4) as timeliness,
            round(w.contradicting / greatest(t.row_count, 1)::numeric, 4) as conflict_rate,
            stake.row_count as rows_at_stake,
            d.late
        from wrong w
        cross join total t
        cross join delivery d
        cross join stake
    ),
    scored as (
        select *, round(100 * (
            {completeness} * greatest(0, 1 - (1 - completeness) / (1 - {completeness_floor}))
            + {validity} * greatest(0, 1 - (1 - validity) / (1 - {validity_floor}))
            + {timeliness} * timeliness
            + {uniqueness} * greatest(0, 1 - (1 - uniqueness) / (1 - {uniqueness_floor}))
            + {conflicts} * greatest(0, 1 - conflict_rate / {conflicts_ceiling})
        ), 1) as score
        from shares
    )
    insert into quality.department_health
        (department, as_of, completeness, validity, uniqueness, timeliness, conflict_rate, rows_at_stake, score, trend,
        reason)
    select {department}, {as_of}, completeness, validity, uniqueness, timeliness, conflict_rate, rows_at_stake, score,
        score - (
            select round(avg(h.score), 1) from quality.department_health h
            where h.department = {department} and h.as_of >= {as_of} - {days} and h.as_of < {as_of}
        ),
        concat_ws('; ',
            case when completeness < 1 then 'completeness ' || to_char(100 * completeness, 'FM990.00') || ' %' end,
            case when validity < 1 then 'validity ' || to_char(100 * validity, 'FM990.00') || ' %' end,
            case when uniqueness < 1 then 'uniqueness ' || to_char(100 * uniqueness, 'FM990.00') || ' %' end,
            case when conflict_rate > 0 then 'contradicting ' || to_char(100 * conflict_rate, 'FM990.00') || ' %' end,
            'late: ' || late
        )
    from scored
"""


def write_health(connection: Connection, contract: Contract, as_of: date) -> None:
    """Replace the department's row of this day, inside the gate's transaction (needs `contract_entities`)."""
    department = sql.Literal(contract.department)
    numbers = {
        "days": DAYS_SHOWN,
        "completeness_floor": COMPLETENESS_FLOOR,
        "validity_floor": VALIDITY_FLOOR,
        "uniqueness_floor": UNIQUENESS_FLOOR,
        "conflicts_ceiling": CONFLICTS_CEILING,
        **WEIGHTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "delete from quality.department_health where department = %s and as_of = %s", (contract.department, as_of)
        )
        cursor.execute(
            sql.SQL(HEALTH).format(
                batches=sql.Identifier(contract.raw_schema, "_batches"),
                department=department,
                as_of=sql.SQL("date {}").format(sql.Literal(as_of.isoformat())),
                **{name: sql.Literal(number) for name, number in numbers.items()},
            )
        )
