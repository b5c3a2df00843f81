{{ config(materialized='table', indexes=indexes_on([['ticket_id']])) }}

-- A change that arrives after a newer one tells nothing new.
with ordered as (
    select
        *,
        row_number() over (
            partition by ticket_id, known_date order by updated_at desc, batch_id desc, source_row desc
        ) as newest_first,
        max(updated_at) over (
            partition by ticket_id order by known_date rows between unbounded preceding and current row
        ) as newest_so_far
    from {{ ref('stg_service__tickets') }}
    where not is_test
),

versions as (
    select *
    from ordered
    where
        newest_first = 1
        and updated_at = newest_so_far
)

select
    versions.ticket_id,
    tickets.customer_id,
    tickets.identified_date,
    versions.created_at as opened_at,
    {{ shop_day('versions.created_at') }} as opened_date,
    versions.channel,
    versions.category,
    versions.status,
    versions.status <> 'resolved' as is_open,
    versions.promised_until,
    versions.resolved_at,
    versions.handling_seconds,
    versions.known_date as valid_from,
    coalesce(
        lead(versions.known_date) over (partition by versions.ticket_id order by versions.known_date),
        cast('9999-12-31' as date)
    ) as valid_until
from versions
left join {{ ref('int_tickets_identified') }} as tickets on versions.ticket_id = tickets.ticket_id
