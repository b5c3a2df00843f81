"""Files that always come and did not: by day of the week, and by branch. What did not come has no row to judge."""

from great_expectations.expectations.expectation import Expectation

from expectations.rules import Subject
from landing.contracts import Contract

WEEKS_COMPARED = 8  # two months, as for the usual number of rows (delivery_rules.py)
# Six of eight: a holiday or two do not make a day of the week unusual, and files of an occasion are not missed.
DAYS_NEEDED = 6
FILES_SHARE = 0.5  # of the usual files; a branch that is always late is missing every day

CAME = """
    with came as (
        select b.entity, replace(b.source_name, b.delivered_date::text, '') as part, b.delivered_date
        from {table} b
        join contract_entities e on e.entity = b.entity and not e.is_pulled and e.load <> 'snapshot'
        where b.status in ('landed', 'duplicate', 'superseded') and b.as_of <= {as_of}
            and b.delivered_date between {as_of} - {weeks} * 7 and {as_of}
    )
"""
MISSING_TODAY = """
    {came},
    usual as (
        select entity, percentile_cont(0.5) within group (order by files) as files
        from (
            select entity, delivered_date, count(distinct part) as files
            from came
            where delivered_date < {as_of} and extract(isodow from delivered_date) = extract(isodow from {as_of})
            group by entity, delivered_date
        ) days
        group by entity
        having count(*) >= {days}
    ),
    today as (
        select entity, count(distinct part) as files from came where delivered_date = {as_of} group by entity
    )
    select usual.entity as object,
        coalesce(today.files, 0) || ' files, usual on this day of the week are ' || usual.files as observed,
        coalesce(today.files, 0) < {share} * usual.files as is_broken
    from usual
    left join today using (entity)
    order by is_broken desc, object
"""
SILENT = """
    {came}
    select came.entity || ' ' || came.part as object, 'came last for ' || max(came.delivered_date) as observed,
        {as_of} - max(came.delivered_date) > e.hold_after_days as is_broken
    from came
    join contract_entities e on e.entity = came.entity and e.has_parts
    group by came.entity, came.part, e.hold_after_days
    having count(distinct came.delivered_date) >= {days} * 7
    order by is_broken desc, object
"""


def missing_files(subject: Subject, contract: Contract) -> list[Expectation]:
    """List the expectations on what did not come; none for a department whose sources are asked, not waited for.

    Warnings: how old the data of a department may be before decisions do without it, its contract says.
    """
    delivered = [entity for entity in contract.entities if entity.path is not None and entity.load != "snapshot"]
    who = f"Ask {contract.owner}"
    came = subject.compose(CAME, weeks=WEEKS_COMPARED)
    rules = []
    if delivered:
        rules.append(
            subject.measure(
                "the_usual_files_came",
                MISSING_TODAY,
                severity="warning",
                law="On a day of the week with files, there are files.",
                threshold=f"{FILES_SHARE:.0%} of the usual files, if {DAYS_NEEDED} of {WEEKS_COMPARED} weeks had any",
                advice=f"{who} for the files of the day; a run of a later day takes them.",
                came=came,
                days=DAYS_NEEDED,
                share=FILES_SHARE,
            )
        )
    if any("{part}" in entity.path for entity in delivered):
        rules.append(
            subject.measure(
                "no_branch_fell_silent",
                SILENT,
                severity="warning",
                law="Who delivers on most days has delivered lately: a part that is missing hides behind the others.",
                threshold="hold_after_days of the contract, by part",
                advice=f"{who} whether the branch is closed or its export stopped.",
                came=came,
                days=DAYS_NEEDED,
            )
        )
    return rules
