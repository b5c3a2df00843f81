-- The source repeats 4,872 rows exactly. They stay here, one row in and one out; int_coupons_deduplicated counts them.
with delivered as (
    {{ accepted_rows('marketing', 'coupons', ['coupon_upc', 'product_id', 'campaign_id']) }}
)

select
    {{ told('coupon_upc') }} as coupon_id,
    {{ told('product_id') }} as product_id,
    {{ told('campaign_id') }} as campaign_id,
    source_row,
    batch_id,
    known_date
from delivered
