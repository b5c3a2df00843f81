{{ config(indexes=indexes_on([['customer_id'], ['send_id']])) }}

select
    response_id,
    send_id,
    customer_id,
    campaign_id,
    channel,
    kind,
    occurred_at,
    occurred_date,
    known_date
from {{ ref('int_responses_identified') }}
