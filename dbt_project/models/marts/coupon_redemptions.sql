{{ config(indexes=indexes_on([['customer_id']])) }}

select
    customer_id,
    campaign_id,
    coupon_id,
    redeemed_date,
    known_date
from {{ ref('int_redemptions_joined') }}
