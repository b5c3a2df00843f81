-- Fails when: a text of staging that a contract normalises is not in normalised.distinct_values.
-- Why: normalise_values must run before the models. A text that it has not seen has no key, so a person would not be
-- recognised, and another region than the contract's in a model would look like a value that is invalid.
{% for model, kind, column, country in [
    ('stg_crm__contacts', 'email', 'email', none),
    ('stg_crm__contacts', 'phone', 'phone', 'country'),
    ('stg_crm__contacts', 'street', 'street', none),
    ('stg_crm__contacts', 'postcode', 'postcode', 'country'),
    ('stg_crm__contacts', 'town', 'town', none),
    ('stg_crm__contacts', 'person_name', 'first_name', none),
    ('stg_crm__contacts', 'person_name', 'last_name', none),
    ('stg_shop__accounts', 'email', 'email', none),
    ('stg_shop__accounts', 'person_name', 'full_name', none),
    ('stg_shop__accounts', 'phone', 'phone', 'country'),
    ('stg_shop__accounts', 'street', 'street', none),
    ('stg_shop__accounts', 'postcode', 'postcode', 'country'),
    ('stg_shop__accounts', 'town', 'town', none),
    ('stg_shop__orders', 'person_name', 'ship_to_name', none),
    ('stg_shop__orders', 'street', 'ship_to_street', none),
    ('stg_shop__orders', 'postcode', 'ship_to_postcode', none),
    ('stg_shop__orders', 'town', 'ship_to_town', none),
    ('stg_service__tickets', 'email', 'contact_email', none),
    ('stg_service__tickets', 'phone', 'contact_phone', none),
    ('stg_service__tickets', 'person_name', 'contact_name', none),
    ('stg_consent__changes', 'email', 'email', none),
    ('stg_consent__erasure_requests', 'email', 'email', none),
    ('stg_feedback__answers', 'email', 'email', none),
    ('stg_web__events', 'user_agent', 'user_agent', none)
] -%}
select
    '{{ model }}.{{ column }}' as place,
    count(*) as texts
from (
    select distinct
        {{ column }} as original_value,
        {% if country %}coalesce(upper({{ country }}), ''){% else %}''{% endif %} as region
    from {{ ref(model) }}
    where {{ column }} is not null
) as told
where not exists (
    select 1
    from {{ source('normalised', 'distinct_values') }} as known
    where
        known.kind = '{{ kind }}'
        and known.region = told.region
        and known.original_key = {{ dbt.hash('told.original_value') }}
)
having count(*) > 0
{{ 'union all' if not loop.last }}
{% endfor %}
