"""Is the experiment still one? Its arms have the sizes that were promised, and their customers were alike before it.

A yardstick that is bent measures nothing: sample-ratio mismatch (Fabijan et al., "Diagnosing Sample Ratio Mismatch in
Online Controlled Experiments", KDD 2019) and A/A tests find it in the arms alone, whatever the outcomes are.
"""

from great_expectations.expectations.expectation import Expectation

from expectations.rules import Subject

# Chi-square with two degrees of freedom and a normal deviate, both at p = 0.001: an alarm in three years of days.
CHI_SQUARE, Z = 13.816, 3.291
# Below these, neither is what its table says.
FEWEST_EXPECTED, FEWEST = 5, 30

SIZES = """
    with arms as (
        select arm, count(*) as customers from {table} where as_of_date = {as_of} and arm <> 'mandatory' group by arm
    ),
    shares as (
        select (exploration ->> 'holdout_share')::float8 as holdout, (exploration ->> 'random_share')::float8 as random,
            (select sum(customers) from arms)::float8 as everybody
        from {table}
        where as_of_date = {as_of}
        limit 1
    ),
    promised as (
        select a.arm, a.share * s.everybody as expected, coalesce(arms.customers, 0) as customers
        from shares s
        cross join lateral (
            values ('holdout', s.holdout), ('random', (1 - s.holdout) * s.random),
                ('policy', (1 - s.holdout) * (1 - s.random))
        ) a (arm, share)
        left join arms on arms.arm = a.arm
        where a.share > 0
    )
    select 'arms' as object,
        coalesce(
            string_agg(customers || ' ' || arm || ' of ' || round(expected::numeric, 1), ', ' order by arm), 'none'
        ) as observed,
        coalesce(min(expected) >= {fewest} and sum((customers - expected) ^ 2 / expected) > {limit}, false) as is_broken
    from promised
"""
# Everybody is decided about from the day on which they are known, or the first day of the ledger. Logarithms: a few
# large spenders would be the whole mean.
ALIKE = """
    with assigned as (
        select l.arm = 'holdout' as is_held_out, f.name,
            ln(1 + greatest((l.facts -> 'features' ->> f.name)::float8, 0)) as value
        from marts.customers c
        cross join (select min(as_of_date) as day from decisions.decision_ledger) first
        join {table} l
            on l.customer_id = c.customer_id and l.as_of_date = greatest(c.first_known_date, first.day)
            and l.as_of_date <= {as_of} and l.arm <> 'mandatory'
        cross join (values ('spend_eur_84d'), ('recency_days')) f (name)
    ),
    arms as (
        select name, is_held_out, count(value) as customers, avg(value) as mean,
            var_samp(value) / nullif(count(value), 0) as error_squared
        from assigned
        group by name, is_held_out
    ),
    measured as (
        select held.name, held.customers as held_out, other.customers as others, held.mean - other.mean as apart,
            sqrt(held.error_squared + other.error_squared) as error
        from arms held
        join arms other on other.name = held.name and held.is_held_out and not other.is_held_out
    )
    select name as object,
        'logarithms ' || coalesce(round(apart::numeric, 3)::text, 'not') || ' apart, '
            || coalesce(round((apart / nullif(error, 0))::numeric, 1)::text, 'no') || ' standard errors, '
            || held_out || ' held out' as observed,
        coalesce(least(held_out, others) >= {fewest} and error > 1e-9 and abs(apart) > {limit} * error, false)
            as is_broken
    from measured
    order by is_broken desc, object
"""


def arm_rules(subject: Subject) -> list[Expectation]:
    """List the expectations on the arms of the day."""
    advice = "What deciding is worth is not measured until it is found: ask data science who changed arms or customers."
    return [
        subject.measure(
            "arms_have_the_promised_sizes",
            SIZES,
            severity="warning",
            law="Hold-out, random arm and policy have the shares of customers that the settings promise.",
            threshold=f"chi-square at most {CHI_SQUARE} (p = 0.001)",
            advice=advice,
            column="arm",
            limit=CHI_SQUARE,
            fewest=FEWEST_EXPECTED,
        ),
        subject.measure(
            "arms_were_alike_before_they_were_drawn",
            ALIKE,
            severity="warning",
            law="When they were first decided about, held-out customers spent and came as the others did.",
            threshold=f"at most {Z} standard errors (p = 0.001)",
            advice=advice,
            column="facts",
            limit=Z,
            fewest=FEWEST,
        ),
    ]
