{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['entity_kind', 'source_key'],
    post_hook="{{ forget_withdrawn_versions() }}",
    indexes=indexes_on([['customer_id', 'attribute'], ['known_date'], ['entity_kind', 'source_key']])
) }}

-- What accounts and contacts told of a person, attribute by attribute. A version that repeats what its record had told,
-- and that we did not know earlier, is left out: on no day could it change what we believe.
{%- set of_accounts = [
    'given_name', 'surname', 'birth_date', 'email', 'phone', 'street', 'postcode', 'town', 'country', 'language'
] %}
{%- set of_contacts = ['salutation', 'title'] + of_accounts %}

{% if is_incremental() -%}
-- A record of which anything is new, or whose it is, is built again as a whole.
with touched as (
    select
        'account' as entity_kind,
        account_id as source_key
    from {{ ref('stg_shop__accounts') }}
    where known_date >= {{ increment_since() }}
    union
    select
        'contact' as entity_kind,
        contact_no as source_key
    from {{ ref('stg_crm__contacts') }}
    where known_date >= {{ increment_since() }}
    union
    select
        key_kind as entity_kind,
        source_key
    from {{ ref('customer_ids') }}
    where {{ is_new_or_moved('first_known_date') }}
    union
    select
        entity_kind,
        source_key
    from {{ this }}
    where {{ is_new_or_moved('known_date') }}
),

{% else -%}
with
{% endif -%}
account_names as (
    select
        *,
        {{ given_name_in('full_name') }} as given_name,
        {{ surname_in('full_name') }} as surname
    from {{ ref('stg_shop__accounts') }}
    where
        not is_test
        {% if is_incremental() -%}
        and account_id in (
            select source_key
            from touched
            where entity_kind = 'account'
        )
        {%- endif %}
),

account_keys as (
    select
        *,
        {{ given_name_key_in('full_name_key', 'given_name') }} as given_name_key
    from account_names
),

accounts as (
    select
        account_id as source_key,
        batch_id,
        source_row,
        updated_at as told_at,
        known_date,
        given_name,
        given_name_key,
        surname,
        substr(full_name_key, length(given_name_key) + 2) as surname_key,
        cast(birth_date as {{ dbt.type_string() }}) as birth_date,
        cast(birth_date as {{ dbt.type_string() }}) as birth_date_key,
        email,
        email_key,
        is_email_verified,
        phone,
        phone_key,
        street,
        street_key,
        postcode,
        postcode_key,
        town,
        town_key,
        country,
        upper(country) as country_key,
        language,
        lower(language) as language_key
    from account_keys
),

contacts as (
    select
        contact_no as source_key,
        batch_id,
        source_row,
        changed_at as told_at,
        known_date,
        salutation,
        lower(salutation) as salutation_key,
        title,
        lower(title) as title_key,
        first_name as given_name,
        first_name_key as given_name_key,
        last_name as surname,
        last_name_key as surname_key,
        cast(birth_date as {{ dbt.type_string() }}) as birth_date,
        cast(birth_date as {{ dbt.type_string() }}) as birth_date_key,
        email,
        email_key,
        is_email_verified,
        phone,
        phone_key,
        street,
        street_key,
        postcode,
        postcode_key,
        town,
        town_key,
        country,
        upper(country) as country_key,
        language,
        lower(language) as language_key
    from {{ ref('stg_crm__contacts') }}
    where
        not is_test
        {% if is_incremental() -%}
        and contact_no in (
            select source_key
            from touched
            where entity_kind = 'contact'
        )
        {%- endif %}
),

told as (
    {% for kind, relation, department, attributes in [
        ('account', 'accounts', 'shop', of_accounts), ('contact', 'contacts', 'crm', of_contacts)
    ] -%}
    {% set last_kind = loop.last -%}
    {% for attribute in attributes -%}
    select
        '{{ kind }}' as entity_kind,
        '{{ department }}' as department,
        '{{ relation }}' as entity,
        source_key,
        '{{ attribute }}' as attribute,
        {{ attribute }} as value,
        {{ attribute }}_key as value_key,
        {{ "coalesce(is_email_verified, false)" if attribute == 'email' else 'false' }} as is_verified,
        batch_id,
        source_row,
        coalesce(told_at, cast(known_date as {{ type_moment() }})) as told_at,
        known_date
    from {{ relation }}
    where {{ attribute }}_key <> ''
    {{ 'union all' if not (last_kind and loop.last) }}
    {% endfor %}
    {%- endfor %}
),

-- Beside each value what the same version said of the attribute that it follows: a postcode belongs to its street.
together as (
    select
        told.*,
        led.value_key as followed_key
    from told
    left join {{ ref('survivorship') }} as rules on told.attribute = rules.attribute
    left join told as led
        on
            rules.follows = led.attribute
            and told.entity_kind = led.entity_kind
            and told.source_key = led.source_key
            and told.batch_id = led.batch_id
            and told.source_row = led.source_row
),

compared as (
    select
        *,
        lag(value) over (
            partition by entity_kind, source_key, attribute order by told_at, known_date, batch_id, source_row
        ) as value_before,
        lag(value_key) over (
            partition by entity_kind, source_key, attribute order by told_at, known_date, batch_id, source_row
        ) as key_before,
        lag(coalesce(followed_key, '')) over (
            partition by entity_kind, source_key, attribute order by told_at, known_date, batch_id, source_row
        ) as followed_before,
        lag(is_verified) over (
            partition by entity_kind, source_key, attribute order by told_at, known_date, batch_id, source_row
        ) as was_verified,
        lag(known_date) over (
            partition by entity_kind, source_key, attribute order by told_at, known_date, batch_id, source_row
        ) as known_before
    from together
)

select
    ids.customer_id,
    compared.entity_kind,
    compared.department,
    compared.entity,
    compared.source_key,
    compared.attribute,
    compared.value,
    compared.value_key,
    compared.followed_key,
    compared.is_verified,
    compared.batch_id,
    compared.source_row,
    compared.told_at,
    compared.known_date
from compared
inner join {{ ref('customer_ids') }} as ids
    on
        compared.entity_kind = ids.key_kind
        and compared.source_key = ids.source_key
where
    compared.key_before is null
    or compared.key_before <> compared.value_key
    or compared.value_before <> compared.value
    or compared.followed_before <> coalesce(compared.followed_key, '')
    or compared.was_verified <> compared.is_verified
    or compared.known_before > compared.known_date
