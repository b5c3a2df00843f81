{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ give_memory() }}", "{{ clear_new_or_moved('as_of_date') }}"],
    indexes=indexes_on([], unique=['as_of_date', 'customer_id'])
) }}

-- Every number is what could have been known on as_of_date: the event had happened and its batch had arrived by then.
select
    customers.customer_id,
    customers.as_of_date,
    lifetimes.recency_days,
    lifetimes.tenure_days,
    {% for feature in [
        'purchase_days_28d', 'purchase_days_prev_28d', 'purchase_days_84d', 'baskets_28d', 'baskets_84d',
        'spend_eur_28d', 'spend_eur_prev_28d', 'spend_eur_84d', 'spend_eur_168d', 'coupon_lines_84d'
    ] -%}
    coalesce(purchases.{{ feature }}, 0) as {{ feature }},
    {% endfor -%}
    {% for feature in [
        'spend_trend_ratio_28d', 'spend_share_28d_of_84d', 'basket_value_eur_84d', 'lines_per_basket_84d',
        'discount_share_84d', 'coupon_discount_share_84d', 'private_brand_share_84d', 'weekend_share_84d',
        'evening_share_84d', 'purchase_gap_mean_days_168d', 'purchase_gap_stddev_days_168d', 'overdue_ratio_168d'
    ] -%}
    purchases.{{ feature }},
    {% endfor -%}
    {% for feature in ['departments_28d', 'departments_84d', 'new_departments_28d'] -%}
    coalesce(departments.{{ feature }}, 0) as {{ feature }},
    {% endfor -%}
    departments.largest_department_share_84d,
    {% for feature in [
        'campaigns_received_28d', 'campaigns_received_84d', 'campaigns_received_total', 'campaigns_active',
        'campaigns_announced_7d', 'campaigns_redeemed_total', 'redemptions_84d', 'redemptions_total'
    ] -%}
    coalesce(campaigns.{{ feature }}, 0) as {{ feature }},
    {% endfor -%}
    campaigns.campaign_redeemed_share,
    campaigns.contact_recency_days,
    campaigns.redemption_recency_days,
    {% for feature in [
        'web_sessions_7d', 'web_sessions_28d', 'app_sessions_7d', 'app_sessions_28d', 'cart_sessions_7d',
        'service_sessions_7d', 'shop_orders_7d', 'shop_orders_28d', 'shop_orders_84d', 'tickets_28d', 'tickets_84d',
        'returns_28d', 'returns_84d', 'mailing_opens_28d', 'mailing_clicks_28d', 'device_errors_7d',
        'device_errors_28d'
    ] -%}
    coalesce(touchpoints.{{ feature }}, 0) as {{ feature }},
    {% endfor -%}
    touchpoints.session_recency_days,
    touchpoints.shop_order_recency_days,
    touchpoints.ticket_recency_days,
    coalesce(cases.open_cases, 0) as open_cases,
    scores.last_nps_score,
    {% for feature in [
        'messages_28d', 'complaint_messages_28d', 'unanswered_complaints', 'delivery_messages_28d',
        'return_messages_28d', 'product_messages_28d', 'advice_messages_28d', 'negative_message_share_28d',
        'message_urgency_28d', 'message_recency_days'
    ] -%}
    meanings.{{ feature }},
    {% endfor -%}
    case when profiles.customer_id is null then 0 else 1 end as has_demographics,
    profiles.age_band_ordinal,
    profiles.income_band_ordinal,
    profiles.household_size_ordinal,
    profiles.kids_count_ordinal,
    profiles.home_ownership_ordinal,
    profiles.is_married,
    ages.till_data_age_days,
    ages.crm_data_age_days,
    ages.marketing_data_age_days,
    ages.shop_data_age_days,
    ages.service_data_age_days
from {{ ref('int_snapshot_customers_listed') }} as customers
left join {{ ref('int_lifetimes_measured') }} as lifetimes
    on
        customers.customer_id = lifetimes.customer_id
        and customers.as_of_date = lifetimes.as_of_date
        {{ and_new_or_moved('lifetimes.as_of_date', 'lifetimes.customer_id') }}
left join {{ ref('int_purchases_windowed') }} as purchases
    on
        customers.customer_id = purchases.customer_id
        and customers.as_of_date = purchases.as_of_date
        {{ and_new_or_moved('purchases.as_of_date', 'purchases.customer_id') }}
left join {{ ref('int_departments_windowed') }} as departments
    on
        customers.customer_id = departments.customer_id
        and customers.as_of_date = departments.as_of_date
        {{ and_new_or_moved('departments.as_of_date', 'departments.customer_id') }}
left join {{ ref('int_campaigns_windowed') }} as campaigns
    on
        customers.customer_id = campaigns.customer_id
        and customers.as_of_date = campaigns.as_of_date
        {{ and_new_or_moved('campaigns.as_of_date', 'campaigns.customer_id') }}
left join {{ ref('int_touchpoints_windowed') }} as touchpoints
    on
        customers.customer_id = touchpoints.customer_id
        and customers.as_of_date = touchpoints.as_of_date
        {{ and_new_or_moved('touchpoints.as_of_date', 'touchpoints.customer_id') }}
left join {{ ref('int_cases_counted') }} as cases
    on
        customers.customer_id = cases.customer_id
        and customers.as_of_date = cases.as_of_date
        {{ and_new_or_moved('cases.as_of_date', 'cases.customer_id') }}
left join {{ ref('int_scores_ranked') }} as scores
    on
        customers.customer_id = scores.customer_id
        and customers.as_of_date = scores.as_of_date
        {{ and_new_or_moved('scores.as_of_date', 'scores.customer_id') }}
left join {{ ref('int_meanings_windowed') }} as meanings
    on
        customers.customer_id = meanings.customer_id
        and customers.as_of_date = meanings.as_of_date
        {{ and_new_or_moved('meanings.as_of_date', 'meanings.customer_id') }}
left join {{ ref('int_profiles_ranked') }} as profiles
    on
        customers.customer_id = profiles.customer_id
        and customers.as_of_date >= profiles.valid_from
        and customers.as_of_date < profiles.valid_until
left join {{ ref('int_data_ages_measured') }} as ages on customers.as_of_date = ages.as_of_date
where
    1 = 1
    {{ and_new_or_moved('customers.as_of_date', 'customers.customer_id') }}
