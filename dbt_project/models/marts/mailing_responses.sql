{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['customer_id'], ['send_id'], ['known_date']])
) }}

with identified as (
    select
        responses.response_id,
        responses.send_id,
        sends.customer_id,
        sends.campaign_id,
        sends.channel,
        responses.kind,
        responses.occurred_at,
        responses.occurred_date,
        greatest(responses.known_date, sends.known_date) as known_date
    from {{ ref('int_responses_deduplicated') }} as responses
    inner join {{ ref('mailing_sends') }} as sends on responses.send_id = sends.send_id
)

select *
from identified
{% if is_incremental() -%}
where {{ is_new_or_moved('known_date') }}
{%- endif %}
