{{ config(materialized='view') }}

-- Every Saturday up to as_of, and as_of itself: yesterday's extra date goes when today's comes.
with weeks as (
    {{ dbt.date_spine('week', "cast('" ~ company('first_snapshot_date') ~ "' as date)", days_after(as_of(), 1)) }}
)

select cast(date_week as date) as as_of_date
from weeks
union
select {{ as_of() }} as as_of_date
