with ordered as (
    select
        *,
        row_number() over (partition by message_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_service__messages') }}
),

channels as (
    select
        ticket_id,
        min(channel) as channel
    from {{ ref('stg_service__tickets') }}
    group by ticket_id
)

select
    ordered.message_id,
    ordered.ticket_id,
    tickets.customer_id,
    channels.channel,
    ordered.direction,
    ordered.sent_at,
    {{ shop_day('ordered.sent_at') }} as sent_date,
    greatest(ordered.known_date, tickets.identified_date) as known_date
from ordered
inner join {{ ref('int_tickets_identified') }} as tickets on ordered.ticket_id = tickets.ticket_id
left join channels on ordered.ticket_id = channels.ticket_id
where ordered.oldest_first = 1
