{{ config(materialized='view') }}

-- Records grow with what happened; stage, recency and value change with the day alone and are made anew each day.
select
    records.customer_id,
    records.loyalty_number,
    records.first_known_date,
    records.first_purchase_date,
    records.last_purchase_date,
    lifecycles.recency_days,
    lifecycles.purchase_gap_days,
    lifecycles.lifecycle_stage,
    lifecycles.value_decile,
    records.purchase_days,
    records.baskets,
    records.spend_eur,
    records.has_demographics,
    records.age_band,
    records.income_band,
    records.home_ownership,
    records.marital_status,
    records.household_size,
    records.household_composition,
    records.kids_count,
    records.salutation,
    records.title,
    records.given_name,
    records.surname,
    records.birth_date,
    records.email,
    records.phone,
    records.street,
    records.postcode,
    records.town,
    records.country,
    records.language,
    records.known_date
from {{ ref('customer_records') }} as records
left join {{ ref('customer_lifecycles') }} as lifecycles on records.customer_id = lifecycles.customer_id
