"""The expectations that every department's deliveries meet, derived from its contract; freshness first."""

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

from expectations.column_rules import column_rules
from expectations.missing_files import missing_files
from expectations.rules import Subject
from expectations.usual_values import usual_values
from landing.contracts import Contract

# A shifted or renamed column breaks nearly every row, a typing error one; the real year 2017 has none at all.
REJECTED_SHARE = 0.05
REJECTED_ROWS = 10  # below this a share says nothing: 1 wrong row of 15 targeted households is no broken file
WEEKS_COMPARED = 8  # the same weekday of two months: long enough for a median, short enough for the season
LISTS_COMPARED = 4  # snapshots before this one
DAYS_NEEDED = 3  # a median of fewer days is one odd day
# Share of the usual weekday measured on complete_journey 2017: with 400 households (624 lines a day) the quietest day
# kept 0.42, with 200 (291 a day) 0.9 % of good days fell below 0.4.
USUAL_ROWS_NEEDED = 500

FRESHNESS = """
    with delivered as (
        select e.entity, e.is_optional, max(b.delivered_date) as newest, e.warn_after_days, e.hold_after_days
        from contract_entities e
        left join {table} b on b.entity = e.entity and b.status in ('landed', 'duplicate', 'superseded')
            and b.as_of <= {as_of} and b.delivered_date <= {as_of}
        group by e.entity
    )
    select entity as object,
        coalesce(
            ({as_of} - newest) || ' days old (delivered ' || newest || ', limit ' || {limit} || ')', 'never delivered'
        ) as observed,
        coalesce({as_of} - newest > {limit}, not is_optional) as is_broken
    from delivered
    order by is_broken desc, object
"""
REFUSED = """
    select b.source_name as object, coalesce(b.reason, 'refused') as observed, true as is_broken
    from {table} b
    join contract_entities e using (entity)
    where b.status = 'refused' and b.as_of <= {as_of} and b.delivered_date <= {as_of}
        and not exists (
            select from {table} later
            where later.entity = b.entity and later.status in ('landed', 'duplicate', 'superseded')
                and later.as_of <= {as_of}
                and (
                    (later.delivered_date = b.delivered_date and (not e.has_parts or later.source_name = b.source_name))
                    or (
                        (e.load = 'snapshot' or e.is_pulled)
                        and later.delivered_date > b.delivered_date and later.as_of >= b.as_of
                    )
                )
        )
    order by object
"""
VOLUME = """
    select n.source_name as object,
        n.row_count || ' rows, usual are ' || usual.rows as observed,
        n.row_count < e.minimum_rows_share * usual.rows and (e.load = 'snapshot' or usual.rows >= {needed})
            as is_broken
    from new_batches n
    join contract_entities e on e.entity = n.entity and e.minimum_rows_share > 0
    cross join lateral (
        select round(percentile_cont(0.5) within group (order by row_count)) as rows, count(*) as days
        from (
            select b.row_count
            from {table} b
            where b.entity = n.entity and b.status = 'landed' and b.delivered_date < n.delivered_date
                and b.row_count > 0
                -- an hour with the same hour, a branch with itself
                and replace(b.source_name, b.delivered_date::text, '') = n.part
                and (
                    e.load = 'snapshot'
                    or (
                        b.delivered_date >= n.delivered_date - {weeks} * 7
                        and extract(isodow from b.delivered_date) = extract(isodow from n.delivered_date)
                    )
                )
            order by b.delivered_date desc
            limit case when e.load = 'snapshot' then {lists} else {weeks} end
        ) before
    ) usual
    where {scope} and not n.is_released and usual.days >= case when e.load = 'snapshot' then 1 else {days} end
    order by is_broken desc, object
"""
# History is judged as a whole by a steward; from the first daily delivery on a short file stops its department.
DAILY_WITH_ROWS = sql.SQL("n.known_date >= n.landed_as_of and n.row_count > 0")
HISTORY_OR_EMPTY = sql.SQL("(n.known_date < n.landed_as_of or n.row_count = 0)")
REJECTED = """
    select b.source_name as object,
        coalesce(r.rows, 0) || ' of ' || b.row_count || ' rows in quarantine' as observed,
        {is_broken} as is_broken
    from new_batches b
    left join (
        select batch_id, count(distinct row_number) as rows,
            count(distinct row_number) filter (where rule <> 'duplicate_key') as wrong_rows
        from rejections
        group by batch_id
    ) r using (batch_id)
    where r.rows > 0 and not b.is_released
    order by is_broken desc, object
"""
TOO_MANY = sql.SQL("r.wrong_rows >= {rows} and r.wrong_rows > {share} * b.row_count").format(
    rows=sql.Literal(REJECTED_ROWS), share=sql.Literal(REJECTED_SHARE)
)
ANY = sql.SQL("true")
SUSPECT = """
    select s.entity || '.' || s.field || ' ' || s.rule as object,
        count(*) || ' of ' || n.rows || ' new rows' as observed, true as is_broken
    from suspects s
    join (select entity, sum(row_count) as rows from new_batches group by entity) n using (entity)
    where (s.rule = 'empty') = {is_empty}
    group by s.entity, s.field, s.rule, n.rows
    order by object
"""


def delivery_rules(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on the new batches of one department (temporary tables of `expectations.batches`)."""
    who = f"Ask {contract.owner}"
    return [
        subject.measure(
            "data_is_fresh_enough_to_use",
            FRESHNESS,
            freshness=True,
            limit=sql.Identifier("hold_after_days"),
            severity="critical",
            law=f"Every delivery of {contract.department} is recent enough to decide on.",
            threshold="hold_after_days of the contract",
            advice=f"{who} for the missing files; until they come, actions that need this data are not chosen.",
        ),
        subject.measure(
            "data_is_on_time",
            FRESHNESS,
            limit=sql.Identifier("warn_after_days"),
            severity="warning",
            law=f"Every delivery of {contract.department} came when it was due.",
            threshold="warn_after_days of the contract",
            advice=f"{who} whether a file is late.",
        ),
        subject.measure(
            "every_delivered_file_could_be_read",
            REFUSED,
            severity="critical",
            law=f"Every file that {contract.department} delivered could be read.",
            threshold="0 refused files",
            advice=f"{who} for the repaired file under the same name; the next run takes it and what was held.",
        ),
        *missing_files(subject, contract),
        *column_rules(subject, contract),
        *_volume(subject, who),
        *usual_values(subject, contract),
        *_rejected(subject, who),
        *_suspect(subject, contract, who),
    ]


def _volume(subject: Subject, who: str) -> list[Expectation]:
    numbers = {
        "needed": USUAL_ROWS_NEEDED,
        "weeks": WEEKS_COMPARED,
        "lists": LISTS_COMPARED,
        "days": DAYS_NEEDED,
    }
    threshold = "minimum_rows_share of the contract, of the median of the same weekday (snapshots: of the lists before)"
    return [
        subject.measure(
            "files_have_the_usual_number_of_rows",
            VOLUME,
            scope=DAILY_WITH_ROWS,
            severity="critical",
            law="No file is much shorter than usual.",
            threshold=threshold,
            advice=f"{who} whether the export was cut off; a whole file under the same name is taken at the next run.",
            **numbers,
        ),
        subject.measure(
            "history_and_closed_days_look_usual",
            VOLUME,
            scope=HISTORY_OR_EMPTY,
            severity="warning",
            law="No file of the history is much shorter than usual, and no file is empty.",
            threshold=threshold,
            advice=f"A file with a header only is a closed day; {who.lower()} if the shops were open.",
            **numbers,
        ),
    ]


def _rejected(subject: Subject, who: str) -> list[Expectation]:
    return [
        subject.measure(
            "few_rows_break_the_contract",
            REJECTED,
            is_broken=TOO_MANY,
            severity="critical",
            law="Nearly all rows of every file keep to the contract.",
            threshold=f"at most {REJECTED_SHARE:.0%} of a file, from {REJECTED_ROWS} rows on, without repeated keys",
            advice=f"{who}: so many wrong rows mean a changed export, see the reasons in quarantine.rejected_rows.",
        ),
        subject.measure(
            "no_row_breaks_the_contract",
            REJECTED,
            is_broken=ANY,
            severity="warning",
            law="Every row keeps to the contract.",
            threshold="0 rows in quarantine",
            advice=f"Read the reasons in quarantine.rejected_rows and tell {who.removeprefix('Ask ')}.",
        ),
    ]


def _suspect(subject: Subject, contract: Contract, who: str) -> list[Expectation]:
    """Count the values that the contract's checks mark; a department whose contract has none is not asked."""
    if not any(entity.marks_suspects for entity in contract.entities):
        return []
    return [
        subject.measure(
            "values_are_to_be_believed",
            SUSPECT,
            is_empty=False,
            severity="warning",
            law="No value of the new rows is marked by the contract's checks.",
            threshold="0 suspect values",
            advice=f"The rows count as they are. Read quality.suspect_values and tell {who.removeprefix('Ask ')}.",
        ),
        subject.measure(
            "wanted_values_are_there",
            SUSPECT,
            is_empty=True,
            severity="info",  # a customer may leave out a phone number every day
            law="Every wanted value of the new rows is there.",
            threshold="0 empty values",
            advice="The rows count as they are; the share says how far the column can be relied on.",
        ),
    ]
