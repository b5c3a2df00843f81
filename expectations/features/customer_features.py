"""Gate features.customer_features: may the models look at these numbers of the day?"""

import re
from collections.abc import Callable, Sequence

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

from expectations.rules import Subject

TABLE = "features.customer_features"
KEYS = ["customer_id", "as_of_date"]
# Numbers that say nothing before a first purchase or contact are null by design; these are known of everybody.
ALWAYS_KNOWN = ["till_data_age_days", "has_demographics", "baskets_28d", "campaigns_received_28d"]
# Every 2017 household has bought by December, so a tenth without a last purchase is a broken join. Where people are
# also known by an account, a contact or an app, many have never bought.
MAY_BE_NULL_SHARE = 0.10
SELDOM_NULL = ["recency_days", "tenure_days"]
# A standardised difference above 0.25 is the usual mark of two populations that a model cannot treat as one
# (Stuart 2010, Statistical Science 25(1)); the next Saturday differs from the one before by far less.
DRIFT = 0.25
# These move for everybody at once with the calendar of marketing and of deliveries (campaigns_active: 0.48 in the last
# week of 2017), which says nothing about who the customers are.
MOVED_BY_CALENDAR = re.compile("_data_age_days$|^campaigns_(active|announced|received)_?|^mailing_")
NEVER_NEGATIVE = re.compile(
    "_(days|total|eur)(_|$)|^(baskets|departments|campaigns|redemptions|purchase)_"
    "|^(web|app|tickets|returns|mailing|device|open)_"
)
SHARE = re.compile("_share(_|$)")

FRESHNESS = """
    select 'features.customer_features' as object,
        coalesce('reaches ' || max(as_of_date), 'is empty') as observed,
        max(as_of_date) is distinct from {as_of} as is_broken
    from {table}
"""
GRAIN = """
    select 'customers' as object,
        count(*) filter (where f.customer_id is null) || ' without features, '
            || count(*) filter (where c.customer_id is null) || ' unknown, '
            || coalesce(sum(f.rows) filter (where f.rows > 1), 0) || ' rows of customers that have several' as observed,
        count(*) filter (where f.customer_id is null or c.customer_id is null or f.rows > 1) > 0 as is_broken
    from (select customer_id from marts.customers where first_known_date <= {as_of}) c
    full join (
        select customer_id, count(*) as rows from {table} where as_of_date = {as_of} group by customer_id
    ) f using (customer_id)
"""
# A hundred numbers of each customer in one look at the table: columns are summed up side by side, then the sums
# are turned into a row per column. As JSON, a row per customer and number, the gate took 95 s for 100,000 people.
COLUMNS = """
    select column_name from information_schema.columns
    where table_schema = %s and table_name = %s and column_name <> all (%s)
        and data_type in ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision')
    order by ordinal_position
"""
NULLS = """
    select n.feature as object, n.unknown || ' of ' || n.customers || ' unknown' as observed,
        n.unknown > {share} * n.customers as is_broken
    from (select {sums} from {table} f where f.as_of_date = {as_of}) s
    cross join lateral (values {rows}) n (feature, customers, unknown)
    where n.customers > 0
    order by is_broken desc, object
"""
RANGES = """
    select n.feature as object, n.outside || ' values outside' as observed, true as is_broken
    from (select {sums} from {table} f where f.as_of_date = {as_of}) s
    cross join lateral (values {rows}) n (feature, outside)
    where n.outside > 0
    order by object
"""
DRIFTED = """
    with before as (
        select max(as_of_date) as day from {table} where as_of_date <= {as_of} - 7
    )
    select n.feature as object,
        'mean moved by ' || round(((n.mean_now - n.mean_before) / n.spread)::numeric, 2) || ' standard deviations'
            as observed,
        abs(n.mean_now - n.mean_before) > {drift} * n.spread as is_broken
    from (
        select {sums}
        from {table} f
        cross join before
        where f.as_of_date in ({as_of}, before.day)
    ) s
    cross join lateral (values {rows}) n (feature, mean_now, mean_before, spread)
    where n.spread > 0 and n.mean_now is not null and n.mean_before is not null
    order by is_broken desc, abs((n.mean_now - n.mean_before) / n.spread) desc, object
"""
REBUILD = "Look at the features of this day in build_warehouse; the models keep to yesterday's state meanwhile."


def _columns(subject: Subject) -> list[str]:
    """The numbers among the columns of the features, whatever there are."""
    with subject.connection.cursor() as cursor:
        cursor.execute(COLUMNS, (*TABLE.split("."), KEYS))
        return [name for (name,) in cursor.fetchall()]


def _summed(columns: Sequence[str], sums: Callable[[str], Sequence[sql.Composable]]) -> dict[str, sql.Composable]:
    """Fill `{sums}` and `{rows}` of a query: `sums` gives the aggregates of a column, which become a row of it."""
    aggregates, rows = [], []
    for name in columns:
        found = sums(name)
        labels = [sql.Identifier(f"{place}_{name}") for place in range(len(found))]
        aggregates += [sql.SQL("{} as {}").format(*pair) for pair in zip(found, labels, strict=True)]
        rows.append(sql.SQL("({})").format(sql.SQL(", ").join([sql.Literal(name), *labels])))
    return {"sums": sql.SQL(", ").join(aggregates), "rows": sql.SQL(", ").join(rows)}


def _of(name: str, *aggregates: str) -> list[sql.Composable]:
    return [sql.SQL(aggregate).format(sql.Identifier("f", name)) for aggregate in aggregates]


def _unknown(name: str) -> list[sql.Composable]:
    return _of(name, "count(*)", "count(*) filter (where {} is null)")


def _outside(name: str) -> list[sql.Composable]:
    limits = _of(name, "{}::float8 in ('NaN', 'Infinity', '-Infinity')")
    limits += _of(name, "{} < 0") if NEVER_NEGATIVE.search(name) else []
    limits += _of(name, "{} not between 0 and 1") if SHARE.search(name) else []
    return [sql.SQL("count(*) filter (where {})").format(sql.SQL(" or ").join(limits))]


def _moved(name: str) -> list[sql.Composable]:
    return _of(
        name,
        "avg({}::float8) filter (where f.as_of_date <> before.day)",
        "avg({}::float8) filter (where f.as_of_date = before.day)",
        "stddev_samp({}::float8) filter (where f.as_of_date = before.day)",
    )


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on the features of the day."""
    columns = _columns(subject)
    return [
        subject.measure(
            "features_reach_as_of",
            FRESHNESS,
            freshness=True,
            severity="critical",
            law="The newest features are those of this day.",
            threshold="as_of",
            advice="Run build_warehouse for this day again.",
        ),
        subject.measure(
            "every_customer_has_features_once",
            GRAIN,
            severity="critical",
            law="Every customer known by this day has exactly one row of features.",
            threshold="0 missing, unknown or repeated",
            advice=REBUILD,
            column="customer_id",
        ),
        subject.measure(
            "facts_of_everybody_are_known",
            NULLS,
            severity="critical",
            law="What can be counted for everybody is never unknown.",
            threshold="0 nulls in " + ", ".join(ALWAYS_KNOWN),
            advice=REBUILD,
            share=0,
            **_summed([name for name in columns if name in ALWAYS_KNOWN], _unknown),
        ),
        *(
            [
                subject.measure(
                    "few_customers_have_no_purchase",
                    NULLS,
                    severity="warning",
                    law="Nearly every customer has bought something.",
                    threshold=f"at most {MAY_BE_NULL_SHARE:.0%} nulls in " + ", ".join(SELDOM_NULL),
                    advice="Look whether till lines are still joined to the loyalty numbers.",
                    share=MAY_BE_NULL_SHARE,
                    **_summed([name for name in columns if name in SELDOM_NULL], _unknown),
                ),
            ]
            if subject.exists("raw_till.transactions")
            else []
        ),
        subject.measure(
            "numbers_are_in_range",
            RANGES,
            severity="critical",
            law="Counts, days and amounts are not negative, shares lie between 0 and 1.",
            threshold="0 values outside",
            advice="A negative number of days is a look into the future: do not train or score with it. " + REBUILD,
            **_summed(columns, _outside),
        ),
        subject.measure(
            "numbers_do_not_drift",
            DRIFTED,
            severity="warning",
            law="The customers of today look like those of the week before.",
            threshold=f"means within {DRIFT} standard deviations",
            advice="Look for a changed export or a changed feature; a model that meets other people may be wrong.",
            drift=DRIFT,
            **_summed([name for name in columns if not MOVED_BY_CALENDAR.search(name)], _moved),
        ),
    ]
