{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['known_date'], ['customer_id', 'sold_date']])
) }}

-- Everything that windows over time reads this table instead of the lines: a tenth of the rows. Days are kept apart by
-- the date from which they were known, so that a late line never changes what an earlier date could have seen: a basket
-- counts on the row on which its first line became known, a purchase day on the row of its first basket. The gap to the
-- previous purchase day is the one that was known when the day became known.
with basket_parts as (
    select
        basket_id,
        known_date,
        count(*) as lines,
        sum(spend_eur) as spend_eur,
        sum(case when is_private_brand then spend_eur else 0 end) as private_brand_spend_eur,
        sum(retail_discount_eur) as retail_discount_eur,
        sum(coupon_discount_eur) as coupon_discount_eur,
        sum(case when coupon_discount_eur > 0 then 1 else 0 end) as coupon_lines
    from {{ ref('basket_lines') }}
    {% if is_incremental() -%}
    where {{ is_new_or_moved('known_date') }}
    {%- endif %}
    group by basket_id, known_date
),

days as (
    select
        customer_id,
        sold_date,
        min(first_known_date) as first_known_date
    from {{ ref('baskets') }}
    group by customer_id, sold_date
),

previous_days as (
    select
        days.customer_id,
        days.sold_date,
        max(earlier.sold_date) as previous_purchase_date
    from days
    inner join days as earlier
        on
            days.customer_id = earlier.customer_id
            and days.sold_date > earlier.sold_date
            and days.first_known_date >= earlier.first_known_date
            and {{ days_between('earlier.sold_date', 'days.sold_date') }} <= 168
    {% if is_incremental() -%}
    where {{ is_new_or_moved('days.first_known_date', 'days.customer_id') }}
    {%- endif %}
    group by days.customer_id, days.sold_date
)

select
    baskets.customer_id,
    baskets.sold_date,
    parts.known_date,
    case when parts.known_date = min(days.first_known_date) then 1 else 0 end as purchase_days,
    case
        when parts.known_date = min(days.first_known_date) then min(previous_days.previous_purchase_date)
    end as previous_purchase_date,
    cast(sum(case when parts.known_date = baskets.first_known_date then 1 else 0 end) as integer) as baskets,
    cast(
        sum(case when parts.known_date = baskets.first_known_date and baskets.is_evening then 1 else 0 end) as integer
    ) as evening_baskets,
    cast(sum(parts.lines) as integer) as lines,
    cast(sum(parts.coupon_lines) as integer) as coupon_lines,
    cast(sum(parts.spend_eur) as {{ money() }}) as spend_eur,
    cast(sum(parts.private_brand_spend_eur) as {{ money() }}) as private_brand_spend_eur,
    cast(sum(parts.retail_discount_eur) as {{ money() }}) as retail_discount_eur,
    cast(sum(parts.coupon_discount_eur) as {{ money() }}) as coupon_discount_eur
from basket_parts as parts
inner join {{ ref('baskets') }} as baskets on parts.basket_id = baskets.basket_id
inner join days
    on
        baskets.customer_id = days.customer_id
        and baskets.sold_date = days.sold_date
left join previous_days
    on
        baskets.customer_id = previous_days.customer_id
        and baskets.sold_date = previous_days.sold_date
group by baskets.customer_id, baskets.sold_date, parts.known_date
