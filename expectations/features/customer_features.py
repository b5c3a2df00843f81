"""Gate features.customer_features: may the models look at these numbers of the day?"""

from great_expectations.expectations.expectation import Expectation

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
MOVED_BY_CALENDAR = "_data_age_days$|^campaigns_(active|announced|received)_?|^mailing_"

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
# One row per customer and number, whatever columns there are.
NUMBERS = """
    select f.customer_id, f.as_of_date, n.key as feature, (n.value #>> '{{}}')::numeric as value
    from {table} f
    cross join lateral jsonb_each(to_jsonb(f)) n
    where f.as_of_date = {as_of} and jsonb_typeof(n.value) in ('number', 'null') and n.key <> all ({keys})
"""
NULLS = """
    select n.feature as object, count(*) filter (where n.value is null) || ' of ' || count(*) || ' unknown' as observed,
        avg((n.value is null)::int) > {share} as is_broken
    from ({numbers}) n
    where n.feature = any ({features})
    group by n.feature
    order by is_broken desc, object
"""
RANGES = """
    select n.feature as object, count(*) || ' values outside' as observed, true as is_broken
    from ({numbers}) n
    where n.value < 0 and (
            n.feature ~ '_(days|total|eur)(_|$)|^(baskets|departments|campaigns|redemptions|purchase)_'
            or n.feature ~ '^(web|app|tickets|returns|mailing|device|open)_'
        )
        or (n.feature ~ '_share(_|$)' and n.value not between 0 and 1)
        or n.value in ('NaN', 'Infinity', '-Infinity')
    group by n.feature
    order by object
"""
DRIFTED = """
    with before as (
        select max(as_of_date) as day from {table} where as_of_date <= {as_of} - 7
    ),
    both_days as (
        select f.as_of_date = {as_of} as is_today, n.key as feature, (n.value #>> '{{}}')::float8 as value
        from {table} f
        cross join before
        cross join lateral jsonb_each(to_jsonb(f)) n
        where f.as_of_date in ({as_of}, before.day) and jsonb_typeof(n.value) = 'number' and n.key <> all ({keys})
            and n.key !~ {calendar}
    ),
    summed as (
        select feature,
            avg(value) filter (where is_today) as mean_now, avg(value) filter (where not is_today) as mean_before,
            stddev_samp(value) filter (where not is_today) as spread
        from both_days
        group by feature
    )
    select feature as object,
        'mean moved by ' || round(((mean_now - mean_before) / spread)::numeric, 2) || ' standard deviations'
            as observed,
        abs(mean_now - mean_before) > {drift} * spread as is_broken
    from summed
    where spread > 0 and mean_now is not null and mean_before is not null
    order by is_broken desc, abs((mean_now - mean_before) / spread) desc, object
"""
REBUILD = "Look at the features of this day in build_warehouse; the models keep to yesterday's state meanwhile."


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on the features of the day."""
    numbers = subject.compose(NUMBERS, keys=KEYS)
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
            numbers=numbers,
            features=ALWAYS_KNOWN,
            share=0,
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
                    numbers=numbers,
                    features=SELDOM_NULL,
                    share=MAY_BE_NULL_SHARE,
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
            numbers=numbers,
        ),
        subject.measure(
            "numbers_do_not_drift",
            DRIFTED,
            severity="warning",
            law="The customers of today look like those of the week before.",
            threshold=f"means within {DRIFT} standard deviations",
            advice="Look for a changed export or a changed feature; a model that meets other people may be wrong.",
            keys=KEYS,
            calendar=MOVED_BY_CALENDAR,
            drift=DRIFT,
        ),
    ]
