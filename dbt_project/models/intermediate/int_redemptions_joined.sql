select
    customers.customer_id,
    redemptions.campaign_id,
    redemptions.coupon_id,
    redemptions.redeemed_date,
    redemptions.batch_id,
    redemptions.source_row,
    redemptions.known_date
from {{ ref('stg_marketing__coupon_redemptions') }} as redemptions
inner join {{ ref('customer_ids') }} as customers
    on
        redemptions.loyalty_number = customers.source_key
        and customers.key_kind = 'loyalty'
