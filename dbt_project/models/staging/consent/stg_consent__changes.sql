{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('consent', 'changes', [
        'change_id', 'changed_at', 'email', 'contact_no', 'account_id', 'purpose', 'channel', 'is_granted', 'source'
    ]) }}
)

select
    {{ told('change_id') }} as change_id,
    {{ iso_moment('changed_at') }} as changed_at,
    {{ told('email') }} as email,
    emails.normalised_value as email_key,
    {{ told('contact_no') }} as contact_no,
    {{ told('account_id') }} as account_id,
    lower({{ told('purpose') }}) as purpose,
    lower({{ told('channel') }}) as channel,
    cast({{ told('is_granted') }} as boolean) as is_granted,
    {{ told('source') }} as source,
    source_row,
    batch_id,
    known_date
from delivered
{{ join_normalised('emails', 'email', 'delivered.email') }}
