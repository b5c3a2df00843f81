-- A window of n days is (as_of_date - n, as_of_date]: age 0 to n - 1.
{% set counted = {
    'web_sessions_7d': ('web_session', 7),
    'web_sessions_28d': ('web_session', 28),
    'app_sessions_7d': ('app_session', 7),
    'app_sessions_28d': ('app_session', 28),
    'cart_sessions_7d': ('cart_session', 7),
    'service_sessions_7d': ('service_session', 7),
    'shop_orders_7d': ('shop_order', 7),
    'shop_orders_28d': ('shop_order', 28),
    'shop_orders_84d': ('shop_order', 84),
    'tickets_28d': ('ticket', 28),
    'tickets_84d': ('ticket', 84),
    'returns_28d': ('return', 28),
    'returns_84d': ('return', 84),
    'mailing_opens_28d': ('mailing_open', 28),
    'mailing_clicks_28d': ('mailing_click', 28),
    'device_errors_7d': ('device_error', 7),
    'device_errors_28d': ('device_error', 28)
} -%}
{% set newest = {
    'session_recency_days': ['web_session', 'app_session'],
    'shop_order_recency_days': ['shop_order'],
    'ticket_recency_days': ['ticket']
} -%}
with visible as (
    select
        touchpoints.customer_id,
        touchpoints.touchpoint,
        dates.as_of_date,
        {{ days_between('touchpoints.event_date', 'dates.as_of_date') }} as age_days
    from {{ ref('int_touchpoints_dated') }} as touchpoints
    inner join {{ ref('snapshot_dates') }} as dates
        on
            touchpoints.event_date <= dates.as_of_date
            and touchpoints.known_date <= dates.as_of_date
            and {{ days_between('touchpoints.event_date', 'dates.as_of_date') }} < 84
)

select
    customer_id,
    as_of_date,
    {% for feature, (touchpoint, days) in counted.items() -%}
    cast(
        sum(case when touchpoint = '{{ touchpoint }}' and age_days < {{ days }} then 1 else 0 end) as integer
    ) as {{ feature }},
    {% endfor -%}
    {% for feature, touchpoints in newest.items() -%}
    cast(
        min(
            case
                when
                    touchpoint in (
                        {%- for touchpoint in touchpoints %}
                        '{{ touchpoint }}'{{ ',' if not loop.last }}
                        {%- endfor %}
                    )
                    then age_days
            end
        ) as integer
    ) as {{ feature }}{{ ',' if not loop.last }}
    {% endfor %}
from visible
group by customer_id, as_of_date
