{{ config(indexes=indexes_on([['customer_id'], ['ticket_id']], unique=['message_id'])) }}

select
    message_id,
    ticket_id,
    customer_id,
    channel,
    direction,
    sent_at,
    sent_date,
    known_date
from {{ ref('int_messages_identified') }}
