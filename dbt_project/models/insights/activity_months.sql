{{ config(tags=['mine_journeys']) }}

-- Customers of two channels or months do not add up, and counting them over millions of activities takes a dashboard
-- seconds: so they are counted once a week.
with dated as (
    select
        customer_id,
        channel,
        phase,
        cast({{ dbt.date_trunc('month', 'activity_date') }} as date) as month_start_date
    from {{ ref('customer_activities') }}
),

by_customer as (
    select
        month_start_date,
        channel,
        phase,
        customer_id,
        count(*) as activities
    from dated
    group by month_start_date, channel, phase, customer_id
)

select
    month_start_date,
    channel,
    phase,
    cast(sum(activities) as bigint) as activities,
    cast(count(*) as integer) as customers
from by_customer
group by month_start_date, channel, phase
