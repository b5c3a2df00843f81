{{ config(indexes=indexes_on([['customer_id']])) }}

with redeemed as (
    select
        customer_id,
        campaign_id,
        min(redeemed_date) as first_redeemed_date,
        count(*) as redemptions,
        max(known_date) as known_date
    from {{ ref('coupon_redemptions') }}
    group by customer_id, campaign_id
)

select
    contacts.customer_id,
    contacts.campaign_id,
    contacts.campaign_type,
    contacts.channel,
    contacts.starts_date,
    contacts.ends_date,
    redeemed.first_redeemed_date,
    cast(coalesce(redeemed.redemptions, 0) as integer) as redemptions,
    contacts.known_date
from {{ ref('int_campaign_contacts_joined') }} as contacts
left join redeemed
    on
        contacts.customer_id = redeemed.customer_id
        and contacts.campaign_id = redeemed.campaign_id
