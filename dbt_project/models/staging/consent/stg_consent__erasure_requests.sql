with delivered as (
    {{ accepted_rows('consent', 'erasure_requests', ['request_id', 'received_at', 'email', 'contact_no']) }}
)

select
    {{ told('request_id') }} as request_id,
    {{ iso_moment('received_at') }} as received_at,
    {{ told('email') }} as email,
    emails.normalised_value as email_key,
    {{ told('contact_no') }} as contact_no,
    source_row,
    batch_id,
    known_date
from delivered
{{ join_normalised('emails', 'email', 'delivered.email') }}
