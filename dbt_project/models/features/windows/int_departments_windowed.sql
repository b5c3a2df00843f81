-- "new" in the last 28 days: bought then, and not in the 56 days before them.
with bought as (
    select
        days.customer_id,
        dates.as_of_date,
        days.department,
        sum(days.spend_eur) as spend_eur,
        max(days.sold_date) as last_sold_date,
        min(days.sold_date) as first_sold_date
    from {{ ref('customer_department_days') }} as days
    inner join {{ ref('snapshot_dates') }} as dates
        on
            days.sold_date <= dates.as_of_date
            and days.known_date <= dates.as_of_date
            and {{ days_between('days.sold_date', 'dates.as_of_date') }} < 84
    group by days.customer_id, dates.as_of_date, days.department
)

select
    customer_id,
    as_of_date,
    cast(
        sum(case when {{ days_between('last_sold_date', 'as_of_date') }} < 28 then 1 else 0 end) as integer
    ) as departments_28d,
    cast(count(*) as integer) as departments_84d,
    cast(
        sum(case when {{ days_between('first_sold_date', 'as_of_date') }} < 28 then 1 else 0 end) as integer
    ) as new_departments_28d,
    {{ ratio('max(spend_eur)', 'sum(spend_eur)') }} as largest_department_share_84d
from bought
group by customer_id, as_of_date
