{{ config(tags=['mine_journeys']) }}

-- The process as its owners see it: what became of the journeys that began in a week, how long they took, over how many
-- channels, and at what cost.
with dated as (
    select
        *,
        cast({{ dbt.date_trunc('week', 'started_date') }} as date) as week_start_date,
        case when status = 'settled' then {{ days_between('started_date', 'settled_date') }} end as days_to_settle
    from {{ ref('journeys') }}
)

select
    need,
    week_start_date,
    first_channel,
    cast(count(*) as integer) as journeys,
    cast(sum(case when status = 'settled' then 1 else 0 end) as integer) as settled,
    cast(sum(case when status = 'lapsed' then 1 else 0 end) as integer) as lapsed,
    cast(sum(case when status = 'open' then 1 else 0 end) as integer) as still_open,
    cast(percentile_cont(0.5) within group (order by days_to_settle) as {{ type_double() }}) as median_days_to_settle,
    cast(avg(activities) as {{ type_double() }}) as mean_activities,
    cast(avg(channels) as {{ type_double() }}) as mean_channels,
    cast(sum(cost_eur) as {{ money() }}) as contact_cost_eur,
    cast(sum(spend_eur) as {{ money() }}) as spend_eur
from dated
group by need, week_start_date, first_channel
