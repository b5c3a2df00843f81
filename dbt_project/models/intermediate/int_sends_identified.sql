with ordered as (
    select
        *,
        row_number() over (partition by send_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_marketing__sends') }}
)

select
    ordered.send_id,
    customers.customer_id,
    ordered.campaign_id,
    ordered.channel,
    ordered.action_id,
    ordered.sent_at,
    {{ shop_day('ordered.sent_at') }} as sent_date,
    greatest(ordered.known_date, customers.first_known_date) as known_date
from ordered
inner join {{ ref('customer_ids') }} as customers
    on
        ordered.recipient_key = customers.source_key
        and ordered.recipient_kind = customers.key_kind
        and customers.first_known_date <= {{ as_of() }}
where ordered.oldest_first = 1
