-- Fails when: accepted coupon rows are not the distinct ones in campaigns plus the repetitions counted beside them.
-- Why: the source repeats rows exactly; they are left out by rule and counted, not lost.
with staged as (
    select
        campaign_id,
        count(*) as coupon_rows
    from {{ ref('stg_marketing__coupons') }}
    group by campaign_id
)

select
    campaigns.campaign_id,
    staged.coupon_rows,
    campaigns.coupon_rows as distinct_rows,
    campaigns.duplicate_coupon_rows
from {{ ref('campaigns') }} as campaigns
left join staged on campaigns.campaign_id = staged.campaign_id
where coalesce(staged.coupon_rows, 0) <> campaigns.coupon_rows + campaigns.duplicate_coupon_rows
