{{ config(indexes=indexes_on([['customer_id']])) }}

select
    customer_id,
    age_band,
    income_band,
    home_ownership,
    marital_status,
    household_size,
    household_composition,
    kids_count,
    valid_from,
    valid_until,
    known_date
from {{ ref('int_profiles_joined') }}
