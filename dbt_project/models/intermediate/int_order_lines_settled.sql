-- The discount of an order lies on its lines in proportion to their price.
with lines as (
    select
        *,
        row_number() over (partition by order_id, line_no order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_shop__order_lines') }}
),

settled as (
    select
        orders.order_id as basket_id,
        lines.product_id,
        orders.customer_id,
        'online' as store_id,
        orders.ordered_at as sold_at,
        orders.ordered_date as sold_date,
        orders.ordered_hour as sold_hour,
        lines.quantity,
        cast(lines.quantity * lines.price_eur as {{ money() }}) as price_eur,
        case
            when orders.discount_eur > 0 then orders.discount_eur / (orders.total_eur + orders.discount_eur) else 0
        end as discount_share,
        cast(lines.line_no as {{ dbt.type_string() }}) as line_id,
        lines.batch_id,
        lines.source_row,
        greatest(lines.known_date, orders.purchase_known_date) as known_date
    from lines
    inner join {{ ref('int_orders_tracked') }} as orders on lines.order_id = orders.order_id
    where
        lines.oldest_first = 1
        and orders.purchase_known_date is not null
)

select
    settled.basket_id,
    settled.line_id,
    settled.product_id,
    settled.customer_id,
    settled.store_id,
    settled.sold_at,
    settled.sold_date,
    settled.sold_hour,
    settled.quantity,
    cast(round(settled.price_eur * (1 - settled.discount_share), 4) as {{ money() }}) as spend_eur,
    cast(0 as {{ money() }}) as retail_discount_eur,
    cast(
        settled.price_eur - round(settled.price_eur * (1 - settled.discount_share), 4) as {{ money() }}
    ) as coupon_discount_eur,
    coalesce(products.department, 'unknown') as department,
    coalesce(products.is_private_brand, false) as is_private_brand,
    settled.batch_id,
    settled.source_row,
    settled.known_date
from settled
left join {{ ref('int_product_versions') }} as products
    on
        settled.product_id = products.product_id
        and settled.known_date >= products.valid_from
        and settled.known_date < products.valid_until
