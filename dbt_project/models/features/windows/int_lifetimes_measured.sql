select
    days.customer_id,
    dates.as_of_date,
    cast({{ days_between('max(days.sold_date)', 'dates.as_of_date') }} as integer) as recency_days,
    cast({{ days_between('min(days.sold_date)', 'dates.as_of_date') }} as integer) as tenure_days
from {{ ref('customer_days') }} as days
inner join {{ ref('snapshot_dates') }} as dates
    on
        days.sold_date <= dates.as_of_date
        and days.known_date <= dates.as_of_date
group by days.customer_id, dates.as_of_date
