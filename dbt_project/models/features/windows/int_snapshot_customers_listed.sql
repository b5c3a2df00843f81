select
    customers.customer_id,
    dates.as_of_date
from {{ ref('customers') }} as customers
inner join {{ ref('snapshot_dates') }} as dates on customers.first_known_date <= dates.as_of_date
