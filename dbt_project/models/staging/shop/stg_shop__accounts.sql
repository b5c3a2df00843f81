with delivered as (
    {{ accepted_rows('shop', 'accounts', [
        'account_id', 'email', 'is_email_verified', 'full_name', 'birth_date', 'phone', 'street', 'postcode', 'town',
        'country', 'language', 'created_at', 'updated_at'
    ]) }}
),

read as (
    select
        *,
        {{ email_written('email') }} as email_text,
        {{ known_by_then(iso_moment('created_at')) }} as row_known_date
    from delivered
)

select
    {{ told('read.account_id') }} as account_id,
    {{ told('read.email') }} as email,
    case when no_email.value is null then read.email_text end as email_key,
    cast({{ told('read.is_email_verified') }} as boolean) as is_email_verified,
    {{ told('read.full_name') }} as full_name,
    cast({{ told('read.birth_date') }} as date) as birth_date,
    {{ told('read.phone') }} as phone,
    {{ phone_key('read.phone') }} as phone_key,
    {{ told('read.street') }} as street,
    {{ told('read.postcode') }} as postcode,
    {{ told('read.town') }} as town,
    {{ told('read.country') }} as country,
    lower({{ told('read.language') }}) as language,
    {{ iso_moment('read.created_at') }} as created_at,
    {{ iso_moment('read.updated_at') }} as updated_at,
    read.source_row,
    read.batch_id,
    read.row_known_date as known_date
from read
left join {{ ref('placeholder_values') }} as no_email
    on
        no_email.attribute = 'email'
        and {{ mailbox('read.email_text') }} = no_email.value
{% if is_incremental() -%}
where read.row_known_date >= {{ increment_since() }}
{%- endif %}
