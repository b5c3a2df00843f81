with delivered as (
    {{ accepted_rows('shop', 'accounts', [
        'account_id', 'email', 'is_email_verified', 'full_name', 'birth_date', 'phone', 'street', 'postcode', 'town',
        'country', 'language', 'created_at', 'updated_at'
    ]) }}
),

read as (
    select
        *,
        {{ known_by_then(iso_moment('created_at')) }} as row_known_date
    from delivered
)

select
    {{ told('read.account_id') }} as account_id,
    {{ told('read.email') }} as email,
    case when no_email.value is null then emails.normalised_value end as email_key,
    cast({{ told('read.is_email_verified') }} as boolean) as is_email_verified,
    {{ told('read.full_name') }} as full_name,
    names.normalised_value as full_name_key,
    cast({{ told('read.birth_date') }} as date) as birth_date,
    {{ told('read.phone') }} as phone,
    phones.normalised_value as phone_key,
    {{ told('read.street') }} as street,
    streets.normalised_value as street_key,
    {{ told('read.postcode') }} as postcode,
    postcodes.normalised_value as postcode_key,
    {{ told('read.town') }} as town,
    towns.normalised_value as town_key,
    {{ told('read.country') }} as country,
    lower({{ told('read.language') }}) as language,
    {{ iso_moment('read.created_at') }} as created_at,
    {{ iso_moment('read.updated_at') }} as updated_at,
    {{ is_test() }} as is_test,
    {{ test_reason() }} as test_reason,
    read.source_row,
    read.batch_id,
    read.row_known_date as known_date
from read
{{ join_normalised('emails', 'email', 'read.email') }}
{{ join_normalised('names', 'person_name', 'read.full_name') }}
{{ join_normalised('phones', 'phone', 'read.phone', country='read.country') }}
{{ join_normalised('streets', 'street', 'read.street') }}
{{ join_normalised('postcodes', 'postcode', 'read.postcode', country='read.country') }}
{{ join_normalised('towns', 'town', 'read.town') }}
left join {{ ref('placeholder_values') }} as no_email
    on
        no_email.attribute = 'email'
        and {{ mailbox('emails.normalised_value') }} = no_email.value
{{ join_test_identities('emails.normalised_value', 'names.normalised_value') }}
{% if is_incremental() -%}
where read.row_known_date >= {{ increment_since() }}
{%- endif %}
