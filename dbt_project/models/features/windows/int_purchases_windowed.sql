-- A window of n days is (as_of_date - n, as_of_date]: age 0 to n - 1. "prev_28d" is the 28 days before the last 28.
-- The rhythm looks at 168 days: a monthly shopper still shows five gaps there.
-- Money is summed as numeric and becomes a double at the end: the order of the rows must not change a digit.
with visible as (
    select
        days.*,
        dates.as_of_date,
        {{ days_between('days.sold_date', 'dates.as_of_date') }} as age_days,
        case
            when {{ days_between('days.previous_purchase_date', 'dates.as_of_date') }} < 168
                then {{ days_between('days.previous_purchase_date', 'days.sold_date') }}
        end as gap_days
    from {{ ref('customer_days') }} as days
    inner join {{ ref('snapshot_dates') }} as dates
        on
            days.sold_date <= dates.as_of_date
            and days.known_date <= dates.as_of_date
            and {{ days_between('days.sold_date', 'dates.as_of_date') }} < 168
),

summed as (
    select
        customer_id,
        as_of_date,
        min(age_days) as newest_age_days,
        {% for days in [28, 84] -%}
        sum(case when age_days < {{ days }} then purchase_days else 0 end) as purchase_days_{{ days }}d,
        sum(case when age_days < {{ days }} then baskets else 0 end) as baskets_{{ days }}d,
        sum(case when age_days < {{ days }} then spend_eur else 0 end) as spend_eur_{{ days }}d,
        {% endfor -%}
        sum(case when age_days between 28 and 55 then purchase_days else 0 end) as purchase_days_prev_28d,
        sum(case when age_days between 28 and 55 then spend_eur else 0 end) as spend_eur_prev_28d,
        sum(spend_eur) as spend_eur_168d,
        sum(case when age_days < 84 then lines else 0 end) as lines_84d,
        sum(case when age_days < 84 then coupon_lines else 0 end) as coupon_lines_84d,
        sum(case when age_days < 84 then retail_discount_eur else 0 end) as retail_discount_eur_84d,
        sum(case when age_days < 84 then coupon_discount_eur else 0 end) as coupon_discount_eur_84d,
        sum(case when age_days < 84 then private_brand_spend_eur else 0 end) as private_brand_spend_eur_84d,
        sum(case when age_days < 84 and {{ is_weekend('sold_date') }} then baskets else 0 end) as weekend_baskets_84d,
        sum(case when age_days < 84 then evening_baskets else 0 end) as evening_baskets_84d,
        count(gap_days) as gaps_168d,
        sum(gap_days) as gap_days_168d,
        stddev_samp(gap_days) as purchase_gap_stddev_days_168d
    from visible
    group by customer_id, as_of_date
)

select
    customer_id,
    as_of_date,
    {% for count in [
        'purchase_days_28d', 'purchase_days_prev_28d', 'purchase_days_84d', 'baskets_28d', 'baskets_84d',
        'coupon_lines_84d'
    ] -%}
    cast({{ count }} as integer) as {{ count }},
    {% endfor -%}
    {% for spend in ['spend_eur_28d', 'spend_eur_prev_28d', 'spend_eur_84d', 'spend_eur_168d'] -%}
    cast({{ spend }} as {{ type_double() }}) as {{ spend }},
    {% endfor -%}
    {{ ratio('spend_eur_28d', 'spend_eur_prev_28d') }} as spend_trend_ratio_28d,
    {{ ratio('spend_eur_28d', 'spend_eur_84d') }} as spend_share_28d_of_84d,
    {{ ratio('spend_eur_84d', 'baskets_84d') }} as basket_value_eur_84d,
    {{ ratio('lines_84d', 'baskets_84d') }} as lines_per_basket_84d,
    {{ ratio('retail_discount_eur_84d', 'spend_eur_84d + retail_discount_eur_84d') }}
        as discount_share_84d,
    {{ ratio('coupon_discount_eur_84d', 'spend_eur_84d + coupon_discount_eur_84d') }}
        as coupon_discount_share_84d,
    {{ ratio('private_brand_spend_eur_84d', 'spend_eur_84d') }} as private_brand_share_84d,
    {{ ratio('weekend_baskets_84d', 'baskets_84d') }} as weekend_share_84d,
    {{ ratio('evening_baskets_84d', 'baskets_84d') }} as evening_share_84d,
    {{ ratio('gap_days_168d', 'gaps_168d') }} as purchase_gap_mean_days_168d,
    cast(purchase_gap_stddev_days_168d as {{ type_double() }}) as purchase_gap_stddev_days_168d,
    {{ ratio('newest_age_days * gaps_168d', 'gap_days_168d') }} as overdue_ratio_168d
from summed
