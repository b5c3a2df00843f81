-- A targeted household counts once per campaign, from the first file that named it.
with targeted as (
    select
        campaigns.campaign_id,
        customers.customer_id,
        min(campaigns.known_date) as known_date
    from {{ ref('stg_marketing__campaigns') }} as campaigns
    inner join {{ ref('customer_ids') }} as customers on campaigns.loyalty_number = customers.source_key
    group by campaigns.campaign_id, customers.customer_id
)

select
    targeted.customer_id,
    targeted.campaign_id,
    versions.campaign_type,
    versions.starts_date,
    versions.ends_date,
    targeted.known_date
from targeted
left join {{ ref('int_campaign_versions') }} as versions
    on
        targeted.campaign_id = versions.campaign_id
        and versions.valid_until = cast('9999-12-31' as date)
