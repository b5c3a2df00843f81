-- Everything that was bought, by till or shop, of either company.
{% for model in ['int_basket_lines_priced', 'int_receipt_lines_joined', 'int_order_lines_settled'] -%}
select
    basket_id,
    line_id,
    product_id,
    customer_id,
    store_id,
    sold_at,
    sold_date,
    sold_hour,
    quantity,
    spend_eur,
    retail_discount_eur,
    coupon_discount_eur,
    department,
    is_private_brand,
    batch_id,
    source_row,
    known_date
from {{ ref(model) }}
{{ 'union all' if not loop.last }}
{% endfor %}
