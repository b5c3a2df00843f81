{{ config(materialized='view') }}

-- A view: its three tables are kept up to date and indexed by customer, a fourth copy would only cost.
select
    'basket/' || basket_id as activity_id,
    customer_id,
    'bought' as activity,
    'till' as department,
    'store' as channel,
    sold_date as activity_date,
    sold_at as activity_at,
    spend_eur,
    cast(null as {{ dbt.type_string() }}) as campaign_id,
    known_date
from {{ ref('baskets') }}
union all
select
    'contact/' || campaign_id || '/' || customer_id as activity_id,
    customer_id,
    'was_contacted' as activity,
    'marketing' as department,
    'mail' as channel,
    starts_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('campaign_contacts') }}
where starts_date <= {{ as_of() }}
union all
select
    'redemption/' || campaign_id || '/' || coupon_id || '/' || cast(redeemed_date as {{ dbt.type_string() }})
    || '/' || customer_id as activity_id,
    customer_id,
    'redeemed' as activity,
    'marketing' as department,
    'store' as channel,
    redeemed_date as activity_date,
    cast(null as {{ type_moment() }}) as activity_at,
    cast(null as {{ money() }}) as spend_eur,
    campaign_id,
    known_date
from {{ ref('coupon_redemptions') }}
