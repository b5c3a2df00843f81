-- A targeted household counts once per campaign, from the first file that named it; a mailing once per customer, from
-- the first send we knew.
with targeted as (
    select
        campaigns.campaign_id,
        customers.customer_id,
        'mail' as channel,
        min(campaigns.known_date) as known_date,
        cast(null as date) as sent_date
    from {{ ref('stg_marketing__campaigns') }} as campaigns
    inner join {{ ref('customer_ids') }} as customers
        on
            campaigns.loyalty_number = customers.source_key
            and customers.key_kind = 'loyalty'
    group by campaigns.campaign_id, customers.customer_id
    union all
    select
        campaign_id,
        customer_id,
        min(channel) as channel,
        min(known_date) as known_date,
        min(sent_date) as sent_date
    from {{ ref('int_sends_identified') }}
    group by campaign_id, customer_id
)

select
    targeted.customer_id,
    targeted.campaign_id,
    versions.campaign_type,
    targeted.channel,
    coalesce(versions.starts_date, targeted.sent_date) as starts_date,
    coalesce(versions.ends_date, targeted.sent_date) as ends_date,
    targeted.known_date
from targeted
left join {{ ref('int_campaign_versions') }} as versions
    on
        targeted.campaign_id = versions.campaign_id
        and versions.valid_until = cast('9999-12-31' as date)
