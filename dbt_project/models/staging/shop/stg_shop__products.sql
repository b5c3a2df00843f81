with delivered as (
    {{ accepted_rows('shop', 'products', [
        'sku', 'name', 'category', 'brand', 'price_cents', 'margin_percent', 'usage_days'
    ]) }}
)

select
    {{ told('sku') }} as product_id,
    {{ told('name') }} as product_name,
    lower({{ told('category') }}) as product_category,
    {{ told('brand') }} as brand,
    coalesce(lower({{ told('brand') }}) = 'nordhaus', false) as is_private_brand,
    cast(round(cast({{ told('price_cents') }} as {{ money() }}) / 100, 4) as {{ money() }}) as price_eur,
    cast({{ told('margin_percent') }} as {{ money() }}) as margin_percent,
    cast({{ told('usage_days') }} as integer) as usage_days,
    source_row,
    batch_id,
    known_date
from delivered
