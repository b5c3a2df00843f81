{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['customer_id', 'campaign_id'],
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['known_date'], ['last_known_date']], unique=['customer_id', 'campaign_id'])
) }}

-- A letter to a targeted household, from the first file that named it; a mailing once per customer, from the first send
-- we knew. A campaign that changed its dates changes them for everybody.
with dates as (
    select
        campaign_id,
        campaign_type,
        starts_date,
        ends_date
    from {{ ref('int_campaign_versions') }}
    where valid_until = cast('9999-12-31' as date)
),

{% if is_incremental() -%}
moved_campaigns as (
    select distinct contacts.campaign_id
    from {{ this }} as contacts
    left join dates on contacts.campaign_id = dates.campaign_id
    where
        coalesce(contacts.campaign_type, '') <> coalesce(dates.campaign_type, '')
        or contacts.starts_date <> dates.starts_date
        or contacts.ends_date <> dates.ends_date
),

touched as (
    select
        customer_id,
        campaign_id
    from {{ ref('mailing_sends') }}
    where {{ is_new_or_moved('known_date') }}
    union
    select
        customer_id,
        campaign_id
    from {{ ref('coupon_redemptions') }}
    where {{ is_new_or_moved('known_date') }}
    union
    select
        customer_id,
        campaign_id
    from {{ this }}
    where
        {{ is_new_or_moved('last_known_date') }}
        or campaign_id in (select campaign_id from moved_campaigns)
),

{% endif -%}
sent as (
    select
        customer_id,
        campaign_id,
        min(channel) as channel,
        min(sent_date) as sent_date,
        min(known_date) as known_date,
        max(known_date) as last_known_date
    from {{ ref('mailing_sends') }}
    {% if is_incremental() -%}
    where (customer_id, campaign_id) in (
        select
            customer_id,
            campaign_id
        from touched
    )
    {%- endif %}
    group by customer_id, campaign_id
),

reached as (
    select
        customer_id,
        campaign_id,
        'mail' as channel,
        cast(null as date) as sent_date,
        known_date,
        last_known_date
    from {{ ref('int_campaign_targets_identified') }}
    union all
    select
        customer_id,
        campaign_id,
        channel,
        sent_date,
        known_date,
        last_known_date
    from sent
),

redeemed as (
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
    reached.customer_id,
    reached.campaign_id,
    dates.campaign_type,
    reached.channel,
    coalesce(dates.starts_date, reached.sent_date) as starts_date,
    coalesce(dates.ends_date, reached.sent_date) as ends_date,
    redeemed.first_redeemed_date,
    cast(coalesce(redeemed.redemptions, 0) as integer) as redemptions,
    reached.known_date,
    greatest(reached.last_known_date, coalesce(redeemed.known_date, reached.last_known_date)) as last_known_date
from reached
left join dates on reached.campaign_id = dates.campaign_id
left join redeemed
    on
        reached.customer_id = redeemed.customer_id
        and reached.campaign_id = redeemed.campaign_id
