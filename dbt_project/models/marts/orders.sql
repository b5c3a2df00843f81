{{ config(indexes=indexes_on([['customer_id']], unique=['order_id'])) }}

select
    order_id,
    customer_id,
    ordered_at,
    ordered_date,
    status,
    total_eur,
    discount_eur,
    promised_date,
    is_removed,
    purchase_known_date is not null as is_purchase,
    first_known_date,
    known_date
from {{ ref('int_orders_tracked') }}
