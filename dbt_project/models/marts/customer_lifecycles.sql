{{ config(indexes=indexes_on([], unique=['customer_id'])) }}

-- What of a customer changes with the day alone; customers shows it beside what grows.
with rhythms as (
    select
        customer_id,
        first_purchase_date,
        last_purchase_date,
        purchase_days,
        spend_eur,
        {{ days_between('last_purchase_date', as_of()) }} as recency_days,
        case
            when purchase_days > 1
                then {{ ratio(days_between('first_purchase_date', 'last_purchase_date'), 'purchase_days - 1') }}
        end as purchase_gap_days,
        purchase_days > 1 as has_rhythm
    from {{ ref('customer_records') }}
),

fitting as (
    select
        rhythms.customer_id,
        min(stages.position) as position
    from rhythms
    cross join {{ ref('lifecycle_stages') }} as stages
    where
        rhythms.purchase_days > 0
        and (
            stages.maximum_days is null
            or rhythms.recency_days
            <= case
                when rhythms.has_rhythm then rhythms.purchase_gap_days * stages.maximum_gaps
                else stages.maximum_days
            end
        )
    group by rhythms.customer_id
),

ranked as (
    select
        customer_id,
        ntile(10) over (order by spend_eur, customer_id) as value_decile
    from rhythms
    where purchase_days > 0
)

select
    rhythms.customer_id,
    {{ as_of() }} as as_of_date,
    coalesce(stages.stage, 'prospect') as lifecycle_stage,
    cast(rhythms.recency_days as integer) as recency_days,
    rhythms.purchase_gap_days,
    cast(ranked.value_decile as integer) as value_decile
from rhythms
left join fitting on rhythms.customer_id = fitting.customer_id
left join {{ ref('lifecycle_stages') }} as stages on fitting.position = stages.position
left join ranked on rhythms.customer_id = ranked.customer_id
