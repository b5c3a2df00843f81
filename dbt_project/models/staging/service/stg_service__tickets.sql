with delivered as (
    {{ accepted_rows('service', 'tickets', [
        'ticket_id', 'created_at', 'updated_at', 'channel', 'status', 'category', 'contact_email', 'contact_phone',
        'contact_name', 'account_id', 'order_no', 'promised_until', 'resolved_at', 'handling_seconds', 'agent'
    ]) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('updated_at')) }} as row_known_date
    from delivered
)

select
    {{ told('ticket_id') }} as ticket_id,
    {{ iso_moment('created_at') }} as created_at,
    {{ iso_moment('updated_at') }} as updated_at,
    lower({{ told('channel') }}) as channel,
    lower({{ told('status') }}) as status,
    lower({{ told('category') }}) as category,
    {{ told('contact_email') }} as contact_email,
    emails.normalised_value as email_key,
    {{ told('contact_phone') }} as contact_phone,
    phones.normalised_value as phone_key,
    {{ told('contact_name') }} as contact_name,
    names.normalised_value as contact_name_key,
    {{ told('account_id') }} as account_id,
    {{ told('order_no') }} as order_id,
    {{ iso_moment('promised_until') }} as promised_until,
    {{ iso_moment('resolved_at') }} as resolved_at,
    cast({{ told('handling_seconds') }} as integer) as handling_seconds,
    {{ told('agent') }} as agent,
    {{ is_test() }} as is_test,
    {{ test_reason() }} as test_reason,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{{ join_normalised('emails', 'email', 'dated.contact_email') }}
{{ join_normalised('phones', 'phone', 'dated.contact_phone') }}
{{ join_normalised('names', 'person_name', 'dated.contact_name') }}
{{ join_test_identities('emails.normalised_value', 'names.normalised_value') }}
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
