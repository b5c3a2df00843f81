{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    post_hook="{{ forget_nobodies() }}",
    indexes=indexes_on([['loyalty_number']], unique=['customer_id'])
) }}

with keys as (
    select
        customer_id,
        source_key,
        key_kind,
        first_known_date,
        row_number() over (
            partition by customer_id, case when key_kind in ('loyalty', 'card') then 1 else 0 end
            order by first_known_date, source_key
        ) as oldest_first
    from {{ ref('customer_ids') }}
    where first_known_date <= {{ as_of() }}
),

identified as (
    select
        customer_id,
        min(case when key_kind in ('loyalty', 'card') and oldest_first = 1 then source_key end) as loyalty_number,
        min(first_known_date) as first_known_date,
        max(first_known_date) as last_known_date
    from keys
    group by customer_id
),

records as (
    select *
    from identified
    {% if is_incremental() -%}
    where
        {{ is_new_or_moved('last_known_date') }}
        -- An erasure takes along who shared the e-mail: what is left of them comes back.
        or not exists (
            select 1
            from {{ this }} as present
            where present.customer_id = identified.customer_id
        )
        or customer_id in (
            select customer_id
            from {{ ref('customer_days') }}
            where known_date >= {{ increment_since() }}
            union
            select customer_id
            from {{ ref('customer_profiles') }}
            where known_date >= {{ increment_since() }}
            union
            select customer_id
            from {{ ref('customer_attributes') }}
            where last_known_date >= {{ increment_since() }}
            union
            select customer_id
            from {{ this }}
            where known_date >= {{ increment_since() }}
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
),

golden as (
    select
        customer_id,
        {% for attribute in [
            'salutation', 'title', 'given_name', 'surname', 'birth_date', 'email', 'phone', 'street', 'postcode', 'town',
            'country', 'language'
        ] -%}
        max(case when attribute = '{{ attribute }}' then value end) as {{ attribute }},
        {% endfor -%}
        max(last_known_date) as known_date
    from {{ ref('customer_attributes') }}
    group by customer_id
)

select
    records.customer_id,
    records.loyalty_number,
    records.first_known_date,
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
    golden.salutation,
    golden.title,
    golden.given_name,
    golden.surname,
    cast(golden.birth_date as date) as birth_date,
    golden.email,
    golden.phone,
    golden.street,
    golden.postcode,
    golden.town,
    golden.country,
    golden.language,
    greatest(
        coalesce(days.known_date, records.last_known_date),
        coalesce(profiles.known_date, records.last_known_date),
        coalesce(golden.known_date, records.last_known_date),
        records.last_known_date
    ) as known_date
from records
left join days on records.customer_id = days.customer_id
left join profiles on records.customer_id = profiles.customer_id
left join golden on records.customer_id = golden.customer_id
