with delivered as (
    {{ accepted_rows('marketing', 'coupon_redemptions', [
        'household_id', 'coupon_upc', 'campaign_id', 'redemption_date'
    ]) }}
)

select
    {{ told('household_id') }} as loyalty_number,
    {{ told('coupon_upc') }} as coupon_id,
    {{ told('campaign_id') }} as campaign_id,
    cast({{ told('redemption_date') }} as date) as redeemed_date,
    source_row,
    batch_id,
    known_date
from delivered
