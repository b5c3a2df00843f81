{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='basket_id',
    post_hook="{{ forget_vanished('basket_id', ref('basket_lines')) }}",
    indexes=indexes_on([['known_date'], ['customer_id', 'sold_date']], unique=['basket_id'])
) }}

-- A line that arrives late recomputes its whole basket.
select
    basket_id,
    min(customer_id) as customer_id,
    min(store_id) as store_id,
    min(sold_at) as sold_at,
    min(sold_date) as sold_date,
    min(sold_hour) as sold_hour,
    {{ is_weekend('min(sold_date)') }} as is_weekend,
    min(sold_hour) >= 17 as is_evening,
    cast(count(*) as integer) as lines,
    cast(sum(spend_eur) as {{ money() }}) as spend_eur,
    cast(sum(retail_discount_eur) as {{ money() }}) as retail_discount_eur,
    cast(sum(coupon_discount_eur) as {{ money() }}) as coupon_discount_eur,
    min(known_date) as first_known_date,
    max(known_date) as known_date
from {{ ref('basket_lines') }}
{% if is_incremental() -%}
where basket_id in (
    select basket_id
    from {{ ref('basket_lines') }}
    where {{ is_new_or_moved('known_date') }}
    union
    select basket_id
    from {{ this }}
    where {{ is_new_or_moved('known_date') }}
)
{%- endif %}
group by basket_id
