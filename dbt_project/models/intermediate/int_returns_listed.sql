-- Orders that came back, and what was brought back to a till.
select
    'order/' || order_id as return_id,
    customer_id,
    'shop' as department,
    {{ shop_day('returned_at') }} as returned_date,
    total_eur as amount_eur,
    returned_known_date as known_date
from {{ ref('int_orders_tracked') }}
where returned_known_date is not null
union all
select
    'receipt/' || receipt_id || '/' || cast(line_no as {{ dbt.type_string() }}) as return_id,
    customer_id,
    'till' as department,
    sold_date as returned_date,
    abs(spend_eur) as amount_eur,
    known_date
from {{ ref('int_receipts_deduplicated') }}
where quantity < 0
