{{ config(indexes=indexes_on([], unique=['household_id'])) }}

select
    household_id,
    founder_customer_id,
    cast(count(*) as integer) as people,
    max(known_date) as known_date
from {{ ref('int_customers_housed') }}
group by household_id, founder_customer_id
