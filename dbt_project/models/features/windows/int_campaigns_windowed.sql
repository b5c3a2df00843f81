-- Marketing announces its future: a campaign of the coming week is known on the Saturday before.
with contacts as (
    select
        contacts.customer_id,
        dates.as_of_date,
        {{ days_between('versions.starts_date', 'dates.as_of_date') }} as age_days,
        versions.ends_date >= dates.as_of_date as is_running,
        cast(null as {{ dbt.type_string() }}) as redeemed_campaign_id,
        cast(null as integer) as redeemed_days_ago
    from {{ ref('campaign_contacts') }} as contacts
    inner join {{ ref('snapshot_dates') }} as dates on contacts.known_date <= dates.as_of_date
    inner join {{ ref('campaign_versions') }} as versions
        on
            contacts.campaign_id = versions.campaign_id
            and dates.as_of_date >= versions.valid_from
            and dates.as_of_date < versions.valid_until
),

redemptions as (
    select
        redemptions.customer_id,
        dates.as_of_date,
        cast(null as integer) as age_days,
        cast(null as boolean) as is_running,
        redemptions.campaign_id as redeemed_campaign_id,
        {{ days_between('redemptions.redeemed_date', 'dates.as_of_date') }} as redeemed_days_ago
    from {{ ref('coupon_redemptions') }} as redemptions
    inner join {{ ref('snapshot_dates') }} as dates
        on
            redemptions.redeemed_date <= dates.as_of_date
            and redemptions.known_date <= dates.as_of_date
),

-- Grouped once, so that a planner can push down for which customers and dates it is asked.
counted as (
    select
        customer_id,
        as_of_date,
        sum(case when age_days between 0 and 27 then 1 else 0 end) as campaigns_received_28d,
        sum(case when age_days between 0 and 83 then 1 else 0 end) as campaigns_received_84d,
        sum(case when age_days >= 0 then 1 else 0 end) as campaigns_received_total,
        sum(case when age_days >= 0 and is_running then 1 else 0 end) as campaigns_active,
        sum(case when age_days between -7 and -1 then 1 else 0 end) as campaigns_announced_7d,
        min(case when age_days >= 0 then age_days end) as contact_recency_days,
        count(distinct redeemed_campaign_id) as campaigns_redeemed_total,
        sum(case when redeemed_days_ago < 84 then 1 else 0 end) as redemptions_84d,
        count(redeemed_days_ago) as redemptions_total,
        min(redeemed_days_ago) as redemption_recency_days
    from (
        select *
        from contacts
        union all
        select *
        from redemptions
    ) as happened
    group by customer_id, as_of_date
)

select
    customer_id,
    as_of_date,
    {% for count in [
        'campaigns_received_28d', 'campaigns_received_84d', 'campaigns_received_total', 'campaigns_active',
        'campaigns_announced_7d', 'campaigns_redeemed_total', 'redemptions_84d', 'redemptions_total'
    ] -%}
    cast({{ count }} as integer) as {{ count }},
    {% endfor -%}
    case
        when campaigns_received_total > 0 then {{ ratio('campaigns_redeemed_total', 'campaigns_received_total') }}
    end as campaign_redeemed_share,
    cast(contact_recency_days as integer) as contact_recency_days,
    cast(redemption_recency_days as integer) as redemption_recency_days
from counted
