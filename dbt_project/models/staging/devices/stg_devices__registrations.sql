with delivered as (
    {{ accepted_rows('devices', 'registrations', ['serial_no', 'account_id', 'registered_at']) }}
)

select
    {{ told('serial_no') }} as serial_no,
    {{ told('account_id') }} as account_id,
    {{ iso_moment('registered_at') }} as registered_at,
    source_row,
    batch_id,
    known_date
from delivered
