{{ config(indexes=indexes_on([['household_id']], unique=['customer_id'])) }}

select
    customer_id,
    household_id,
    customer_id = founder_customer_id as is_founder,
    known_date
from {{ ref('int_customers_housed') }}
