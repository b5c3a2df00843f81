-- What was bought with a card; what was brought back stands in returns.
select
    lines.receipt_id as basket_id,
    cast(lines.line_no as {{ dbt.type_string() }}) as line_id,
    lines.product_id,
    lines.customer_id,
    lines.store_id,
    lines.sold_at,
    lines.sold_date,
    lines.sold_hour,
    lines.quantity,
    lines.spend_eur,
    cast(0 as {{ money() }}) as retail_discount_eur,
    cast(0 as {{ money() }}) as coupon_discount_eur,
    coalesce(products.department, 'unknown') as department,
    coalesce(products.is_private_brand, false) as is_private_brand,
    lines.batch_id,
    lines.source_row,
    lines.known_date
from {{ ref('int_receipts_deduplicated') }} as lines
left join {{ ref('int_product_versions') }} as products
    on
        lines.product_id = products.product_id
        and lines.known_date >= products.valid_from
        and lines.known_date < products.valid_until
where lines.quantity > 0
