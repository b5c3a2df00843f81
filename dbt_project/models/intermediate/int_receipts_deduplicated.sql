-- A line that the till booked twice, or that came in two files, counts once: the first we knew.
with ordered as (
    select
        *,
        row_number() over (partition by receipt_id, line_no order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_till__receipts') }}
    where card_key is not null
)

select
    ordered.receipt_id,
    ordered.line_no,
    customers.customer_id,
    ordered.store_id,
    ordered.product_id,
    ordered.quantity,
    ordered.spend_eur,
    ordered.sold_at,
    ordered.sold_date,
    ordered.sold_hour,
    ordered.batch_id,
    ordered.source_row,
    greatest(ordered.known_date, customers.first_known_date) as known_date
from ordered
inner join {{ ref('customer_ids') }} as customers
    on
        ordered.card_key = customers.source_key
        and customers.key_kind = 'card'
        and customers.first_known_date <= {{ as_of() }}
where ordered.oldest_first = 1
