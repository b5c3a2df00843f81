{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='send_id',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['customer_id'], ['known_date'], ['responses_known_date']], unique=['send_id'])
) }}

-- A response that arrives recomputes its send.
with responses as (
    select
        send_id,
        min(case when kind = 'open' then occurred_date end) as first_opened_date,
        min(case when kind = 'click' then occurred_date end) as first_clicked_date,
        max(case when kind = 'bounce' then 1 else 0 end) as bounces,
        max(known_date) as known_date
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
    responses.known_date as responses_known_date,
    sends.known_date
from {{ ref('int_sends_identified') }} as sends
left join responses on sends.send_id = responses.send_id
{% if is_incremental() -%}
where
    {{ is_new_or_moved('sends.known_date', 'sends.customer_id') }}
    or responses.known_date >= {{ increment_since() }}
    or sends.send_id in (
        select send_id
        from {{ this }}
        where responses_known_date >= {{ increment_since() }}
    )
{%- endif %}
