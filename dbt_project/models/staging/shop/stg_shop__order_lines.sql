with delivered as (
    {{ accepted_rows('shop', 'order_lines', [
        'order_no', 'line_no', 'sku', 'quantity', 'price_cents', 'created_at'
    ]) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('created_at')) }} as row_known_date
    from delivered
)

select
    {{ told('order_no') }} as order_id,
    cast({{ told('line_no') }} as integer) as line_no,
    {{ told('sku') }} as product_id,
    cast({{ told('quantity') }} as integer) as quantity,
    cast(round(cast({{ told('price_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as price_eur,
    {{ iso_moment('created_at') }} as created_at,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
