{{ config(materialized='table', indexes=indexes_on([['source_key']], unique=['record_id'])) }}

-- What was ever told of a person, as normalised: the evidence that ml/identity links. A description that was told
-- again is the same row, known since the first time, so rows never change. Testers and staff are no customers.
{% set told_columns = [
    'given_name', 'surname', 'birth_date', 'is_birth_date_verified', 'email', 'is_email_verified', 'phone', 'street',
    'house_number', 'postcode', 'town', 'card_key'
] -%}
with accounts as (
    select
        'account' as entity_kind,
        account_id as source_key,
        known_date,
        nullif({{ dbt.split_part('full_name_key', "' '", 1) }}, '') as given_name,
        {{ after_first_word('full_name_key') }} as surname,
        birth_date,
        false as is_birth_date_verified,
        email_key as email,
        coalesce(is_email_verified, false) as is_email_verified,
        phone_key as phone,
        nullif({{ dbt.split_part('street_key', "' '", 1) }}, '') as street,
        {{ after_first_word('street_key') }} as house_number,
        postcode_key as postcode,
        town_key as town,
        cast(null as {{ dbt.type_string() }}) as card_key
    from {{ ref('stg_shop__accounts') }}
    where
        account_id is not null
        and not is_test
),

contacts as (
    select
        'contact' as entity_kind,
        contact_no as source_key,
        known_date,
        first_name_key as given_name,
        last_name_key as surname,
        birth_date,
        false as is_birth_date_verified,
        email_key as email,
        coalesce(is_email_verified, false) as is_email_verified,
        phone_key as phone,
        nullif({{ dbt.split_part('street_key', "' '", 1) }}, '') as street,
        {{ after_first_word('street_key') }} as house_number,
        postcode_key as postcode,
        town_key as town,
        card_key
    from {{ ref('stg_crm__contacts') }}
    where
        contact_no is not null
        and not is_test
),

-- A card that the till saw, or that a tester's contact names, is there though nobody said whose it is.
cards as (
    {% for model in ['stg_crm__contacts', 'stg_till__receipts'] -%}
    select
        'card' as entity_kind,
        card_key as source_key,
        min(known_date) as known_date,
        {% for column in told_columns[:-1] -%}
        cast(null as {{ person_record_type(column) }}) as {{ column }},
        {% endfor -%}
        card_key
    from {{ ref(model) }}
    where card_key is not null
    group by card_key
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

told as (
    {% for entities in ['accounts', 'contacts', 'cards'] -%}
    select
        entity_kind,
        source_key,
        known_date,
        {% for column in told_columns -%}
        {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ entities }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    {{ person_record_id(told_columns) }} as record_id,
    entity_kind,
    source_key,
    entity_kind || '/' || source_key as entity_id,
    min(known_date) as known_date,
    {% for column in told_columns -%}
    {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from told
group by
    entity_kind,
    source_key,
    {% for column in told_columns -%}
    {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
