{{ config(indexes=indexes_on([['customer_id'], ['ticket_id']], unique=['message_id'])) }}

select
    message_id,
    ticket_id,
    customer_id,
    channel,
    sent_at,
    sent_date,
    intent_id,
    topic,
    probability,
    is_complaint,
    is_in_scope,
    abstained,
    sentiment,
    urgency,
    language,
    model_version,
    known_date
from {{ ref('int_meanings_identified') }}
