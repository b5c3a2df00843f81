{{ config(indexes=indexes_on([], unique=['date_day'])) }}

-- Every day from the first of January of the year in which the first customer was known to the last day of the year of
-- as_of: for charts without gaps, and the time spine of the metrics.
with spine as (
    {{ dbt.date_spine('day', "cast('2010-01-01' as date)", days_after(as_of(), 366)) }}
),

bounds as (
    select cast(extract(year from coalesce(min(first_known_date), {{ as_of() }})) as integer) as first_year
    from {{ ref('customers') }}
),

days as (
    select cast(date_day as date) as date_day
    from spine
)

select
    days.date_day,
    cast({{ dbt.date_trunc('week', 'days.date_day') }} as date) as week_start_date,
    cast({{ dbt.date_trunc('month', 'days.date_day') }} as date) as month_start_date,
    cast(extract(year from days.date_day) as integer) as calendar_year,
    {{ is_weekend('days.date_day') }} as is_weekend
from days
cross join bounds
where
    extract(year from days.date_day) >= bounds.first_year
    and extract(year from days.date_day) <= extract(year from {{ as_of() }})
