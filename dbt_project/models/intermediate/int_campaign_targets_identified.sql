-- A targeted household counts once per campaign, from the first file that named it.
select
    campaigns.campaign_id,
    customers.customer_id,
    min(campaigns.known_date) as known_date,
    max(campaigns.known_date) as last_known_date
from {{ ref('stg_marketing__campaigns') }} as campaigns
inner join {{ ref('customer_ids') }} as customers
    on
        campaigns.loyalty_number = customers.source_key
        and customers.key_kind = 'loyalty'
group by campaigns.campaign_id, customers.customer_id
