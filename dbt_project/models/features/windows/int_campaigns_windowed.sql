-- Marketing announces its future: a campaign of the coming week is known on the Saturday before.
with contacts as (
    select
        contacts.customer_id,
        dates.as_of_date,
        contacts.campaign_id,
        {{ days_between('versions.starts_date', 'dates.as_of_date') }} as age_days,
        versions.ends_date >= dates.as_of_date as is_running
    from {{ ref('campaign_contacts') }} as contacts
    inner join {{ ref('snapshot_dates') }} as dates on contacts.known_date <= dates.as_of_date
    inner join {{ ref('campaign_versions') }} as versions
        on
            contacts.campaign_id = versions.campaign_id
            and dates.as_of_date >= versions.valid_from
            and dates.as_of_date < versions.valid_until
),

contacts_counted as (
    select
        customer_id,
        as_of_date,
        sum(case when age_days between 0 and 27 then 1 else 0 end) as campaigns_received_28d,
        sum(case when age_days between 0 and 83 then 1 else 0 end) as campaigns_received_84d,
        sum(case when age_days >= 0 then 1 else 0 end) as campaigns_received_total,
        sum(case when age_days >= 0 and is_running then 1 else 0 end) as campaigns_active,
        sum(case when age_days between -7 and -1 then 1 else 0 end) as campaigns_announced_7d,
        min(case when age_days >= 0 then age_days end) as contact_recency_days
    from contacts
    group by customer_id, as_of_date
),

redemptions_counted as (
    select
        redemptions.customer_id,
        dates.as_of_date,
        count(distinct redemptions.campaign_id) as campaigns_redeemed_total,
        sum(
            case when {{ days_between('redemptions.redeemed_date', 'dates.as_of_date') }} < 84 then 1 else 0 end
        ) as redemptions_84d,
        count(*) as redemptions_total,
        min({{ days_between('redemptions.redeemed_date', 'dates.as_of_date') }}) as redemption_recency_days
    from {{ ref('coupon_redemptions') }} as redemptions
    inner join {{ ref('snapshot_dates') }} as dates
        on
            redemptions.redeemed_date <= dates.as_of_date
            and redemptions.known_date <= dates.as_of_date
    group by redemptions.customer_id, dates.as_of_date
)

select
    customers.customer_id,
    customers.as_of_date,
    {% for count in [
        'campaigns_received_28d', 'campaigns_received_84d', 'campaigns_received_total', 'campaigns_active',
        'campaigns_announced_7d'
    ] -%}
    cast(coalesce(contacts.{{ count }}, 0) as integer) as {{ count }},
    {% endfor -%}
    {% for count in ['campaigns_redeemed_total', 'redemptions_84d', 'redemptions_total'] -%}
    cast(coalesce(redemptions.{{ count }}, 0) as integer) as {{ count }},
    {% endfor -%}
    case
        when contacts.campaigns_received_total > 0
            then {{ ratio('coalesce(redemptions.campaigns_redeemed_total, 0)', 'contacts.campaigns_received_total') }}
    end as campaign_redeemed_share,
    cast(contacts.contact_recency_days as integer) as contact_recency_days,
    cast(redemptions.redemption_recency_days as integer) as redemption_recency_days
from {{ ref('int_snapshot_customers_listed') }} as customers
left join contacts_counted as contacts
    on
        customers.customer_id = contacts.customer_id
        and customers.as_of_date = contacts.as_of_date
left join redemptions_counted as redemptions
    on
        customers.customer_id = redemptions.customer_id
        and customers.as_of_date = redemptions.as_of_date
