{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    indexes=indexes_on([['loyalty_number']], unique=['customer_id'])
) }}

with customers as (
    select
        ids.customer_id,
        ids.source_key as loyalty_number,
        ids.first_known_date
    from {{ ref('customer_ids') }} as ids
    where
        ids.first_known_date <= {{ as_of() }}
        {% if is_incremental() -%}
        and (
            ids.first_known_date >= {{ increment_since() }}
            or ids.customer_id in (
                select customer_id
                from {{ ref('customer_days') }}
                where known_date >= {{ increment_since() }}
                union
                select customer_id
                from {{ ref('customer_profiles') }}
                where known_date >= {{ increment_since() }}
                union
                select customer_id
                from {{ this }}
                where known_date >= {{ increment_since() }}
            )
        )
        {%- endif %}
),

days as (
    select
        customer_id,
        min(sold_date) as first_purchase_date,
        max(sold_date) as last_purchase_date,
        sum(purchase_days) as purchase_days,
        sum(baskets) as baskets,
        sum(spend_eur) as spend_eur,
        max(known_date) as known_date
    from {{ ref('customer_days') }}
    group by customer_id
),

profiles as (
    select *
    from {{ ref('customer_profiles') }}
    where valid_until = cast('9999-12-31' as date)
)

select
    customers.customer_id,
    customers.loyalty_number,
    customers.first_known_date,
    days.first_purchase_date,
    days.last_purchase_date,
    cast(coalesce(days.purchase_days, 0) as integer) as purchase_days,
    cast(coalesce(days.baskets, 0) as integer) as baskets,
    cast(coalesce(days.spend_eur, 0) as {{ money() }}) as spend_eur,
    profiles.customer_id is not null as has_demographics,
    profiles.age_band,
    profiles.income_band,
    profiles.home_ownership,
    profiles.marital_status,
    profiles.household_size,
    profiles.household_composition,
    profiles.kids_count,
    greatest(
        coalesce(days.known_date, customers.first_known_date),
        coalesce(profiles.known_date, customers.first_known_date)
    ) as known_date
from customers
left join days on customers.customer_id = days.customer_id
left join profiles on customers.customer_id = profiles.customer_id
