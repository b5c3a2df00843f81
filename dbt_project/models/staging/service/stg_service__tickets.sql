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
    {{ email_written('contact_email') }} as email_key,
    {{ told('contact_phone') }} as contact_phone,
    {{ phone_key('contact_phone') }} as phone_key,
    {{ told('contact_name') }} as contact_name,
    {{ told('account_id') }} as account_id,
    {{ told('order_no') }} as order_id,
    {{ iso_moment('promised_until') }} as promised_until,
    {{ iso_moment('resolved_at') }} as resolved_at,
    cast({{ told('handling_seconds') }} as integer) as handling_seconds,
    {{ told('agent') }} as agent,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
