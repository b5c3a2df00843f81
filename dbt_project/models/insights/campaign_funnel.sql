{{ config(tags=['mine_journeys']) }}

-- The journey of a campaign: targeted, bought while it ran, redeemed. Two weak points, each in money: customers who
-- stayed away (what they had spent in as many days before the campaign) and contacts that nobody redeemed (their cost).
with runs as (
    select
        campaign_id,
        campaign_type,
        starts_date,
        ends_date,
        least(ends_date, {{ as_of() }}) as observed_until_date
    from {{ ref('campaigns') }}
    where starts_date <= {{ as_of() }}
),

measured_runs as (
    select
        *,
        {{ days_between('starts_date', 'observed_until_date') }} + 1 as observed_days
    from runs
),

customers as (
    select
        runs.campaign_id,
        contacts.customer_id,
        contacts.redemptions,
        sum(case when days.sold_date >= runs.starts_date then days.purchase_days else 0 end) as purchase_days,
        sum(case when days.sold_date >= runs.starts_date then days.spend_eur else 0 end) as spend_eur,
        sum(case when days.sold_date < runs.starts_date then days.spend_eur else 0 end) as spend_before_eur
    from measured_runs as runs
    inner join {{ ref('campaign_contacts') }} as contacts on runs.campaign_id = contacts.campaign_id
    left join {{ ref('customer_days') }} as days
        on
            contacts.customer_id = days.customer_id
            and {{ days_after('runs.starts_date', '-runs.observed_days') }} <= days.sold_date
            and runs.observed_until_date >= days.sold_date
    group by runs.campaign_id, contacts.customer_id, contacts.redemptions
),

counted as (
    select
        campaign_id,
        count(*) as targeted_customers,
        sum(case when purchase_days > 0 then 1 else 0 end) as bought_customers,
        sum(case when redemptions > 0 then 1 else 0 end) as redeemed_customers,
        sum(redemptions) as redemptions,
        sum(spend_eur) as spend_eur,
        sum(case when redemptions > 0 then spend_eur else 0 end) as redeemers_spend_eur,
        sum(case when coalesce(purchase_days, 0) = 0 then spend_before_eur else 0 end) as stayed_away_spend_before_eur
    from customers
    group by campaign_id
)

select
    runs.campaign_id,
    runs.campaign_type,
    runs.starts_date,
    runs.ends_date,
    cast(runs.observed_days as integer) as observed_days,
    runs.ends_date <= {{ as_of() }} as is_complete,
    cast(coalesce(counted.targeted_customers, 0) as integer) as targeted_customers,
    cast(coalesce(counted.bought_customers, 0) as integer) as bought_customers,
    cast(coalesce(counted.redeemed_customers, 0) as integer) as redeemed_customers,
    cast(coalesce(counted.redemptions, 0) as integer) as redemptions,
    {{ ratio('counted.bought_customers', 'counted.targeted_customers') }} as bought_share,
    {{ ratio('counted.redeemed_customers', 'counted.targeted_customers') }} as redeemed_share,
    cast(coalesce(counted.spend_eur, 0) as {{ money() }}) as spend_eur,
    cast(coalesce(counted.redeemers_spend_eur, 0) as {{ money() }}) as redeemers_spend_eur,
    cast(coalesce(counted.stayed_away_spend_before_eur, 0) as {{ money() }}) as stayed_away_spend_before_eur,
    cast(
        coalesce((counted.targeted_customers - counted.redeemed_customers) * actions.cost_eur, 0) as {{ money() }}
    ) as unredeemed_contact_cost_eur
from measured_runs as runs
left join counted on runs.campaign_id = counted.campaign_id
left join {{ ref('actions') }} as actions on runs.campaign_type = actions.campaign_type
