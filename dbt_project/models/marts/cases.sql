{{ config(indexes=indexes_on([['customer_id']], unique=['ticket_id'])) }}

with first_known as (
    select
        ticket_id,
        min(valid_from) as first_known_date
    from {{ ref('int_ticket_versions') }}
    group by ticket_id
),

messages as (
    select
        ticket_id,
        sum(case when direction = 'in' then 1 else 0 end) as messages_in,
        sum(case when direction = 'out' then 1 else 0 end) as messages_out
    from {{ ref('case_messages') }}
    group by ticket_id
)

select
    versions.ticket_id,
    versions.customer_id,
    versions.opened_at,
    versions.opened_date,
    versions.channel,
    versions.category,
    versions.status,
    versions.is_open,
    versions.promised_until,
    versions.resolved_at,
    {{ shop_day('versions.resolved_at') }} as resolved_date,
    cast(versions.handling_seconds as integer) as handling_seconds,
    cast(coalesce(messages.messages_in, 0) as integer) as messages_in,
    cast(coalesce(messages.messages_out, 0) as integer) as messages_out,
    greatest(first_known.first_known_date, versions.identified_date) as first_known_date,
    greatest(versions.valid_from, versions.identified_date) as known_date
from {{ ref('int_ticket_versions') }} as versions
inner join first_known on versions.ticket_id = first_known.ticket_id
left join messages on versions.ticket_id = messages.ticket_id
where versions.valid_until = cast('9999-12-31' as date)
