-- One trial of a coupon campaign per customer it targeted, as the customer looked on the last features date before it.
-- Campaigns were not sent at random, so this tells who responds among the targeted, not what a campaign causes.
with dated as (
    select
        contacts.customer_id,
        contacts.campaign_id,
        contacts.campaign_type,
        contacts.ends_date,
        contacts.redemptions,
        max(dates.as_of_date) as as_of_date
    from {{ ref('campaign_contacts') }} as contacts
    inner join {{ ref('snapshot_dates') }} as dates on contacts.starts_date > dates.as_of_date
    group by
        contacts.customer_id, contacts.campaign_id, contacts.campaign_type, contacts.ends_date, contacts.redemptions
)

select
    dated.customer_id,
    dated.as_of_date,
    dated.campaign_id,
    actions.action_id,
    case when dated.redemptions > 0 then 1 else 0 end as responded,
    dated.ends_date <= {{ as_of() }} as is_observed
from dated
inner join {{ ref('actions') }} as actions on dated.campaign_type = actions.campaign_type
inner join {{ ref('customer_features') }} as features
    on
        dated.customer_id = features.customer_id
        and dated.as_of_date = features.as_of_date
