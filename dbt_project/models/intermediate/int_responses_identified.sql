with ordered as (
    select
        *,
        row_number() over (partition by response_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_marketing__responses') }}
)

select
    ordered.response_id,
    ordered.send_id,
    sends.customer_id,
    sends.campaign_id,
    sends.channel,
    ordered.kind,
    ordered.occurred_at,
    {{ shop_day('ordered.occurred_at') }} as occurred_date,
    greatest(ordered.known_date, sends.known_date) as known_date
from ordered
inner join {{ ref('int_sends_identified') }} as sends on ordered.send_id = sends.send_id
where ordered.oldest_first = 1
