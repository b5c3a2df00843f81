with targeted as (
    select
        campaign_id,
        count(*) as targeted_customers
    from {{ ref('campaign_contacts') }}
    group by campaign_id
),

coupons as (
    select
        campaign_id,
        count(distinct coupon_id) as coupons,
        count(distinct product_id) as coupon_products,
        count(*) as coupon_rows,
        sum(delivered_rows) as delivered_coupon_rows
    from {{ ref('int_coupons_deduplicated') }}
    group by campaign_id
)

select
    versions.campaign_id,
    versions.campaign_type,
    versions.channel,
    versions.category,
    versions.starts_date,
    versions.ends_date,
    cast(coalesce(targeted.targeted_customers, 0) as integer) as targeted_customers,
    cast(coalesce(coupons.coupons, 0) as integer) as coupons,
    cast(coalesce(coupons.coupon_products, 0) as integer) as coupon_products,
    cast(coalesce(coupons.coupon_rows, 0) as integer) as coupon_rows,
    cast(coalesce(coupons.delivered_coupon_rows - coupons.coupon_rows, 0) as integer) as duplicate_coupon_rows,
    versions.known_date
from {{ ref('campaign_versions') }} as versions
left join targeted on versions.campaign_id = targeted.campaign_id
left join coupons on versions.campaign_id = coupons.campaign_id
where versions.valid_until = cast('9999-12-31' as date)
