{{ config(indexes=indexes_on([['customer_id']], unique=['return_id'])) }}

select
    return_id,
    customer_id,
    department,
    returned_date,
    amount_eur,
    known_date
from {{ ref('int_returns_listed') }}
