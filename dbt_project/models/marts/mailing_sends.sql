{{ config(indexes=indexes_on([['customer_id']], unique=['send_id'])) }}

with responses as (
    select
        send_id,
        min(case when kind = 'open' then occurred_date end) as first_opened_date,
        min(case when kind = 'click' then occurred_date end) as first_clicked_date,
        max(case when kind = 'bounce' then 1 else 0 end) as bounces
    from {{ ref('int_responses_deduplicated') }}
    group by send_id
)

select
    sends.send_id,
    sends.customer_id,
    sends.campaign_id,
    sends.channel,
    sends.action_id,
    sends.sent_at,
    sends.sent_date,
    responses.first_opened_date,
    responses.first_clicked_date,
    coalesce(responses.bounces, 0) = 1 as is_bounced,
    sends.known_date
from {{ ref('int_sends_identified') }} as sends
left join responses on sends.send_id = responses.send_id
