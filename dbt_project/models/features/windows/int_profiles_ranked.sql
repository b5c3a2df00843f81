-- Bands have an order, models want it as a number; the order is the seed profile_bands. What was not told stays NULL.
select
    profiles.customer_id,
    profiles.valid_from,
    profiles.valid_until,
    {% for attribute in ['age_band', 'income_band', 'household_size', 'kids_count', 'home_ownership'] -%}
    {{ attribute }}_ranks.ordinal as {{ attribute }}_ordinal,
    {% endfor -%}
    marital_status_ranks.ordinal as is_married
from {{ ref('customer_profiles') }} as profiles
{% for attribute in ['age_band', 'income_band', 'household_size', 'kids_count', 'home_ownership', 'marital_status'] -%}
left join {{ ref('profile_bands') }} as {{ attribute }}_ranks
    on
        {{ attribute }}_ranks.attribute = '{{ attribute }}'
        and profiles.{{ attribute }} = {{ attribute }}_ranks.band
{% endfor %}
