"""Gate marts.customers: is every customer there, once, with all that was accepted of it?"""

import great_expectations.expectations as gxe
from great_expectations.expectations.expectation import Expectation

from expectations.rules import Subject, described

TABLE = "marts.customers"

FRESHNESS = """
    select 'marts.contact_pressure' as object, 'built for ' || coalesce(max(as_of_date)::text, 'no day') as observed,
        max(as_of_date) is distinct from {as_of} as is_broken
    from {marts}.contact_pressure
    union all
    select 'marts.basket_lines', 'known until ' || coalesce(max(known_date)::text, 'no day'),
        coalesce(max(known_date) > {as_of}, true)
    from {marts}.basket_lines
"""
MISSING = """
    select 'marts.customers' as object,
        count(*) filter (where c.customer_id is null) || ' of ' || count(*) || ' known people missing, '
            || count(*) filter (where i.customer_id is null) || ' without an identity' as observed,
        count(*) filter (where c.customer_id is null or i.customer_id is null) > 0 as is_broken
    from (select distinct customer_id from identity.customer_ids where first_known_date <= {as_of}) i
    full join {table} c using (customer_id)
"""
# The highest count that an earlier day of this gate has seen stands in its own results. Erased people stay counted.
FEWER = """
    select 'marts.customers' as object,
        counted.ever || ' customers ever known (' || counted.erased || ' erased), before ' || coalesce(before.most, 0)
            as observed,
        counted.ever < coalesce(before.most, 0) as is_broken
    from (
        select customers.now + receipts.erased as ever, receipts.erased
        from (select count(*) as now from {table}) customers
        cross join (
            select coalesce(sum(row_count), 0) as erased
            from (
                select max(row_count) as row_count -- the same customers, on both sides
                from privacy.erasure_receipts
                where split_part(table_name, '.', 1) in ('marts', 'marts_blue', 'marts_green')
                    and split_part(table_name, '.', 2) in ('customer_records', 'customers') -- until 2026-11
                group by request_id
            ) counted
        ) receipts
    ) counted
    cross join (
        select max(substring(observed from '(\\d+) customers ever')::bigint) as most
        from quality.gate_results
        where gate = 'marts.customers' and expectation = 'customers_never_become_fewer' and as_of < {as_of}
    ) before
"""
SPEND = """
    select 'spend' as object, round(customers.spend - lines.spend, 2) || ' EUR apart' as observed,
        abs(customers.spend - lines.spend) > {cents} as is_broken
    from (select coalesce(sum(spend_eur), 0) as spend from {table}) customers
    cross join (select coalesce(sum(spend_eur), 0) as spend from {marts}.basket_lines) lines
"""
LINES = """
    with accepted as (
        select batch_id from quality.accepted_batches
        where department = 'till' and entity = 'transactions' and known_date <= {as_of}
    ),
    delivered as (
        select r._batch_id as batch_id, r._row_number as row_number
        from raw_till.transactions r
        join accepted a on a.batch_id = r._batch_id
    ),
    rejected as (
        select q.batch_id, q.row_number
        from quarantine.kept_out q
        join delivered using (batch_id, row_number)
        where q.department = 'till' and q.entity = 'transactions'
    ),
    counted as (
        select
            (select count(*) from delivered) as delivered,
            (select count(*) from rejected) as rejected,
            (select count(*) from {marts}.basket_lines) as kept
    )
    select 'till lines' as object,
        delivered || ' accepted - ' || rejected || ' in quarantine, ' || kept || ' in marts.basket_lines' as observed,
        delivered - rejected <> kept as is_broken
    from counted
"""
# A line booked twice, or a file that comes twice, makes no second line; what was brought back is no purchase.
RECEIPTS = """
    with delivered as (
        select distinct r.receipt_no, r.line_no
        from raw_till.receipts r
        join quality.accepted_batches b
            on b.department = 'till' and b.entity = 'receipts' and b.batch_id = r._batch_id and b.known_date <= {as_of}
        where replace(r.loyalty_card_no, '0', '') <> '' and not exists (
            select from quarantine.kept_out q
            where q.department = 'till' and q.entity = 'receipts' and q.batch_id = r._batch_id
                and q.row_number = r._row_number
        ) and r.quantity::integer > 0
    ),
    kept as (select basket_id, line_id from {marts}.basket_lines where store_id <> 'online')
    select 'lines of receipts with a card' as object,
        count(*) filter (where k.basket_id is null) || ' of ' || count(d.receipt_no) || ' not in marts.basket_lines, '
            || count(*) filter (where d.receipt_no is null) || ' there and nowhere else' as observed,
        count(*) filter (where k.basket_id is null or d.receipt_no is null) > 0 as is_broken
    from delivered d
    full join kept k on k.basket_id = btrim(d.receipt_no) and k.line_id = btrim(d.line_no)
"""
UNKNOWN = """
    select 'till lines' as object,
        count(*) filter (where department = 'unknown') || ' of ' || count(*) || ' name an unknown product' as observed,
        coalesce(avg((department = 'unknown')::int), 0) > {share} as is_broken
    from {marts}.basket_lines
"""
REBUILD = "Look at the run of build_warehouse for this day; yesterday's published state stays live meanwhile."


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on the customers of the day."""
    return [
        subject.measure(
            "marts_reach_as_of",
            FRESHNESS,
            freshness=True,
            severity="critical",
            law="The marts are built for this day, with lines, and with nothing that became known later.",
            threshold="as_of",
            advice="Run build_warehouse for this day again.",
        ),
        subject.measure(
            "every_known_person_is_a_customer",
            MISSING,
            severity="critical",
            law="There is exactly one customer for each identity known by this day.",
            threshold="0 missing, 0 without an identity",
            advice=REBUILD,
            column="customer_id",
        ),
        *(
            kind(
                column=column,
                **described(name, severity="critical", law=law, threshold="0 rows", advice=REBUILD, column=column),
            )
            for kind, name, column, law in (
                (gxe.ExpectColumnValuesToBeUnique, "is_unique", "customer_id", "Every customer stands there once."),
                (gxe.ExpectColumnValuesToNotBeNull, "is_known", "customer_id", "Every customer has an id."),
                (gxe.ExpectColumnValuesToBeUnique, "is_unique", "loyalty_number", "A loyalty card has one customer."),
                (gxe.ExpectColumnValuesToNotBeNull, "is_known", "first_known_date", "We know since when we know them."),
            )
        ),
        subject.measure(
            "customers_never_become_fewer",
            FEWER,
            severity="critical",
            law="No customer disappears from one day to the next, unless erased on request.",
            threshold="the highest count of earlier days",
            advice="Ids are for ever: look for a department whose history was taken back.",
        ),
        subject.measure(
            "spend_reconciles",
            SPEND,
            severity="critical",
            law="The customers' spend is the sum of the lines of their baskets.",
            threshold="0.01 EUR",  # amounts are exact decimals; one cent would be a lost line
            advice=REBUILD,
            column="spend_eur",
            cents=0.01,
        ),
        *(
            subject.measure(
                name,
                query,
                severity="critical",
                law=law,
                threshold="0 lines apart",
                advice=REBUILD,
            )
            for name, query, law, table in (
                (
                    "till_lines_reconcile",
                    LINES,
                    "Every accepted till line that is not in quarantine is in the marts, once.",
                    "raw_till.transactions",
                ),
                (
                    "receipt_lines_reconcile",
                    RECEIPTS,
                    "Every accepted line bought with a known card is in the marts, once.",
                    "raw_till.receipts",
                ),
            )
            if subject.exists(table)
        ),
        subject.measure(
            "few_lines_name_unknown_products",
            UNKNOWN,
            severity="warning",
            law="Nearly all till lines name a product that merchandising lists.",
            threshold="at most 1 %",  # 4,836 of 1,469,307 lines (0.33 %) in 2017; the worst day had 0.72 %
            advice="The lines are kept under department 'unknown'; ask category management for a newer product list.",
            column="department",
            share=0.01,
        ),
    ]
