-- A product is what the catalogue said when the line became known, so that yesterday's features never change.
select
    lines.basket_id,
    lines.product_id as line_id,
    lines.product_id,
    customers.customer_id,
    lines.store_id,
    lines.sold_at,
    lines.sold_date,
    lines.sold_hour,
    lines.quantity,
    cast(round(lines.sales_usd / rates.units_per_eur, 4) as {{ money() }}) as spend_eur,
    cast(round(lines.retail_discount_usd / rates.units_per_eur, 4) as {{ money() }}) as retail_discount_eur,
    cast(
        round((lines.coupon_discount_usd + lines.coupon_match_discount_usd) / rates.units_per_eur, 4) as {{ money() }}
    ) as coupon_discount_eur,
    coalesce(products.department, 'unknown') as department,
    coalesce(products.is_private_brand, false) as is_private_brand,
    lines.batch_id,
    lines.source_row,
    lines.known_date
from {{ ref('stg_till__transactions') }} as lines
left join {{ ref('customer_ids') }} as customers
    on
        lines.loyalty_number = customers.source_key
        and customers.key_kind = 'loyalty'
left join {{ ref('int_product_versions') }} as products
    on
        lines.product_id = products.product_id
        and lines.known_date >= products.valid_from
        and lines.known_date < products.valid_until
left join {{ ref('currency_rates') }} as rates
    on
        rates.currency = '{{ company("till_currency") }}'
        and lines.sold_date >= rates.valid_from
        and lines.sold_date < rates.valid_until
