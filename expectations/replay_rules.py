"""The audit of a day's draws: arm, net values, propensities and choice follow from the row alone, by SQL.

Written anew from the papers and the comments of `ml/schema.sql`, without the chooser's code: SquareCB in closed form
(Foster & Rakhlin, ICML 2020), under limits with the prices and shares that the row keeps. What is mandatory is drawn by
nobody: the one with the highest value is told, of equal ones the first.
"""

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

from expectations.rules import Subject

# Sums of twenty candidates in double precision differ by their order from the sixteenth digit on.
TOLERANCE = 1e-9
# The ledger keeps values to the hundredth of a cent.
CENT_TOLERANCE = 0.000051

# The first 53 bits of a SHA-256 as a number in [0, 1); parts are joined by the unit separator.
UNIT = """
    ((('x' || encode(substr(sha256(convert_to(concat_ws(chr(31), {parts}), 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
        >> 11) & 9007199254740991) / 9007199254740992::float8
"""
REPLAYED = """
    with made as (
        -- A number sorts faster than an id, and parts of the exploration are read faster than the whole of it.
        select row_number() over () as number, arm, draw, action_id, candidates, exploration ->> 'method' as method,
            (exploration ->> 'gamma')::float8 as gamma, (exploration ->> 'reward_scale_eur')::float8 as scale,
            exploration -> 'prices' as prices, exploration -> 'shares' as shares,
            exploration ->> 'assigned' as assigned, exploration -> 'mandatory' as mandatory,
            case
                when {held_out} < (exploration ->> 'holdout_share')::float8 then 'holdout'
                when {at_random} < (exploration ->> 'random_share')::float8 then 'random'
                else 'policy'
            end as hashed_arm,
            case when exploration ->> 'method' in ('squarecb', 'mandatory') then {drawn} else draw end as hashed_draw
        from {table}
        where as_of_date = {as_of}
    ),
    candidates as (
        select m.number, m.arm, m.method, m.gamma, m.scale, m.draw, m.action_id as chosen_id, c.place, c.action_id,
            m.hashed_arm, coalesce(c.is_eligible and jsonb_exists(m.mandatory, c.action_id), false) as is_due,
            m.draw is distinct from m.hashed_draw as is_other_draw,
            c.is_eligible, c.propensity, c.value_eur,
            c.value_eur - coalesce((m.prices ->> c.action_id)::float8, 0) as paid,
            coalesce((m.shares ->> c.action_id)::float8, 1) as share,
            c.action_id = case
                when m.method = 'rationed squarecb' and m.arm = 'policy' then m.assigned else 'no_action'
            end as is_base,
            abs(c.probability * c.worth_eur * coalesce(c.lever, 1) - c.cost_eur - coalesce(c.harm_eur, 0) - c.value_eur)
                <= {cents} as adds_up
        from made m
        left join lateral rows from (
            jsonb_to_recordset(m.candidates) as (
                action_id text, is_eligible boolean, propensity float8, expected_net_value_eur float8,
                response_probability float8, response_value_eur float8, lever float8, cost_eur float8,
                expected_harm_eur float8
            )
        ) with ordinality as c (
            action_id, is_eligible, propensity, value_eur, probability, worth_eur, lever, cost_eur, harm_eur, place
        ) on true
    ),
    compared as (
        select *, count(*) filter (where is_eligible) over decision as eligible,
            bool_or(is_due) over decision as is_obliged,
            arm is distinct from case when bool_or(is_due) over decision then 'mandatory' else hashed_arm end
                as is_other_arm,
            max(value_eur) filter (where is_due) over decision as due_value,
            case method
                when 'rationed squarecb' then max(paid) filter (where is_base) over decision
                else max(value_eur) filter (where is_eligible) over decision
            end as best,
            coalesce(sum(propensity) over (partition by number order by place rows unbounded preceding), 0) as ends,
            max(place) filter (where propensity > 0) over decision as last_place
        from candidates
        window decision as (partition by number)
    ),
    explored as (
        select *, is_due and place = min(place) filter (where is_due and value_eur = due_value) over (
                partition by number
            ) as is_told,
            case method when 'rationed squarecb' then is_base else is_eligible and value_eur = best end as is_best,
            case
                when not is_eligible then 0
                when arm = 'random' then share / nullif(eligible, 0)
                else share / nullif(eligible + gamma * greatest(best - paid, 0) / nullif(scale, 0), 0)
            end as wished
        from compared
    ),
    recomputed as (
        select *,
            case
                when is_obliged <> (method = 'mandatory') then null
                when is_obliged then is_told::int
                when method not in ('squarecb', 'rationed squarecb') then null
                when arm = 'holdout' then (action_id = 'no_action')::int
                when arm = 'random' and method = 'squarecb' then wished
                when is_best
                    then (1 - coalesce(sum(wished) filter (where not is_best) over decision, 0))
                        / count(*) filter (where is_best) over decision
                else wished
            end as expected
        from explored
        window decision as (partition by number)
    ),
    judged as (
        select bool_or(is_other_arm) as is_other_arm, bool_or(is_other_draw) as is_other_draw,
            bool_and(adds_up) is not true as is_added_wrong,
            bool_and(abs(expected - propensity) <= {tolerance}) is not true as is_improbable,
            bool_or(
                action_id = chosen_id and propensity > 0 and draw >= ends - propensity - {tolerance}
                and (draw < ends or place = last_place)
            ) is not true as is_another
        from recomputed
        group by number
    )
    select what as object, broken || ' of ' || total || ' decisions' as observed, broken > 0 as is_broken
    from (
        select count(*) as total, count(*) filter (where is_other_arm) as arms,
            count(*) filter (where is_other_draw) as draws, count(*) filter (where is_added_wrong) as sums,
            count(*) filter (where is_improbable) as chances, count(*) filter (where is_another) as choices
        from judged
    ) counted
    cross join lateral (
        values ('arm', arms), ('number drawn', draws), ('net values', sums), ('propensities', chances),
            ('choice', choices)
    ) listed (what, broken)
    order by broken desc, what
"""


PARTS = {
    "held_out": sql.SQL(UNIT).format(parts=sql.SQL("'holdout', customer_id")),
    "at_random": sql.SQL(UNIT).format(parts=sql.SQL("'random', customer_id, to_char(as_of_date, 'YYYY-MM')")),
    "drawn": sql.SQL(UNIT).format(parts=sql.SQL("seed, customer_id, as_of_date")),
    "tolerance": TOLERANCE,
    "cents": CENT_TOLERANCE,
}


def replay_rules(subject: Subject) -> list[Expectation]:
    """List the one expectation: nothing of a decision is but what its row says it must be."""
    return [
        subject.measure(
            "every_decision_is_replayed_from_its_row",
            REPLAYED,
            severity="critical",
            law="Arm, number drawn, net values, propensities and choice follow from what the row keeps.",
            threshold="0 decisions",
            advice="Nothing is published: the chooser did not do what it wrote down. Ask data science.",
            column="exploration",
            **PARTS,
        )
    ]
