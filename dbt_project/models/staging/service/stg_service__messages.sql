with delivered as (
    {{ accepted_rows('service', 'messages', ['message_id', 'ticket_id', 'sent_at', 'direction', 'text']) }}
),

dated as (
    select
        *,
        {{ known_by_then(iso_moment('sent_at')) }} as row_known_date
    from delivered
)

select
    {{ told('message_id') }} as message_id,
    {{ told('ticket_id') }} as ticket_id,
    {{ iso_moment('sent_at') }} as sent_at,
    lower({{ told('direction') }}) as direction,
    {{ told('text') }} as message,
    source_row,
    batch_id,
    row_known_date as known_date
from dated
{% if is_incremental() -%}
where row_known_date >= {{ increment_since() }}
{%- endif %}
