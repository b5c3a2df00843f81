{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('till', 'receipts', [
        'receipt_no', 'line_no', 'branch_id', 'sold_at', 'loyalty_card_no', 'sku', 'quantity', 'amount'
    ]) }}
),

dated as (
    select
        *,
        {{ from_format('sold_at', 'YYYYMMDDHH24MISS') }} as sold_clock
    from delivered
)

select
    {{ told('receipt_no') }} as receipt_id,
    cast({{ told('line_no') }} as integer) as line_no,
    {{ told('branch_id') }} as store_id,
    {{ told('loyalty_card_no') }} as loyalty_card_no,
    case when replace(loyalty_card_no, '0', '') <> '' then {{ told('loyalty_card_no') }} end as card_key,
    {{ told('sku') }} as product_id,
    cast({{ told('quantity') }} as integer) as quantity,
    {{ from_format('amount', 'decimal_comma') }} as spend_eur,
    {{ clock_moment('sold_clock', 'Europe/Berlin') }} as sold_at,
    cast(sold_clock as date) as sold_date,
    cast(extract(hour from sold_clock) as integer) as sold_hour,
    source_row,
    batch_id,
    known_date
from dated
