{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['known_date'], ['basket_id']])
) }}

-- depends_on: {{ ref('customer_moves') }}
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
from {{ ref('int_basket_lines_united') }}
{% if is_incremental() -%}
where {{ is_new_or_moved('known_date') }}
{%- endif %}
