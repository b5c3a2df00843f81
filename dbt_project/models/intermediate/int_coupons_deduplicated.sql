{{ config(materialized='view') }}

with counted as (
    select
        coupon_id,
        product_id,
        campaign_id,
        batch_id,
        known_date,
        row_number() over (
            partition by campaign_id, coupon_id, product_id order by known_date, batch_id, source_row
        ) as oldest_first,
        count(*) over (partition by campaign_id, coupon_id, product_id) as delivered_rows
    from {{ ref('stg_marketing__coupons') }}
)

select
    campaign_id,
    coupon_id,
    product_id,
    delivered_rows,
    batch_id,
    known_date
from counted
where oldest_first = 1
