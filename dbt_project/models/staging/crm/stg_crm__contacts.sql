with delivered as (
    {{ accepted_rows('crm', 'contacts', [
        'contact_no', 'salutation', 'title', 'first_name', 'last_name', 'birth_date', 'email', 'is_email_verified',
        'phone', 'street', 'postcode', 'town', 'country', 'language', 'loyalty_card_no', 'source', 'changed_at'
    ]) }}
),

read as (
    select
        *,
        {{ from_format('birth_date', 'DD.MM.YYYY') }} as birth_day
    from delivered
)

select
    {{ told('read.contact_no') }} as contact_no,
    {{ told('read.salutation') }} as salutation,
    {{ told('read.title') }} as title,
    case when no_first_name.value is null then {{ told('read.first_name') }} end as first_name,
    case when no_first_name.value is null then first_names.normalised_value end as first_name_key,
    case when no_last_name.value is null then {{ told('read.last_name') }} end as last_name,
    case when no_last_name.value is null then last_names.normalised_value end as last_name_key,
    case when no_birth_date.value is null then read.birth_day end as birth_date,
    {{ told('read.email') }} as email,
    case when no_email.value is null then emails.normalised_value end as email_key,
    {{ from_format('read.is_email_verified', 'J/N') }} as is_email_verified,
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
    {{ told('read.loyalty_card_no') }} as loyalty_card_no,
    case when replace(read.loyalty_card_no, '0', '') <> '' then {{ told('read.loyalty_card_no') }} end as card_key,
    {{ told('read.source') }} as source,
    {{ clock_moment(from_format('read.changed_at', 'DD.MM.YYYY HH24:MI'), 'Europe/Berlin') }} as changed_at,
    {{ is_test() }} as is_test,
    {{ test_reason() }} as test_reason,
    read.source_row,
    read.batch_id,
    read.known_date
from read
{{ join_normalised('emails', 'email', 'read.email') }}
{{ join_normalised('first_names', 'person_name', 'read.first_name') }}
{{ join_normalised('last_names', 'person_name', 'read.last_name') }}
{{ join_normalised('phones', 'phone', 'read.phone', country='read.country') }}
{{ join_normalised('streets', 'street', 'read.street') }}
{{ join_normalised('postcodes', 'postcode', 'read.postcode', country='read.country') }}
{{ join_normalised('towns', 'town', 'read.town') }}
left join {{ ref('placeholder_values') }} as no_email
    on
        no_email.attribute = 'email'
        and {{ mailbox('emails.normalised_value') }} = no_email.value
left join {{ ref('placeholder_values') }} as no_first_name
    on
        no_first_name.attribute = 'name'
        and lower({{ told('read.first_name') }}) = no_first_name.value
left join {{ ref('placeholder_values') }} as no_last_name
    on
        no_last_name.attribute = 'name'
        and lower({{ told('read.last_name') }}) = no_last_name.value
left join {{ ref('placeholder_values') }} as no_birth_date
    on
        no_birth_date.attribute = 'birth_date'
        and cast(read.birth_day as {{ dbt.type_string() }}) = no_birth_date.value
-- A clerk who types the company's own mailbox has a customer without an e-mail before them, no colleague.
{{ join_test_identities(
    'case when no_email.value is null then emails.normalised_value end',
    dbt.concat(['first_names.normalised_value', "' '", 'last_names.normalised_value'])
) }}
