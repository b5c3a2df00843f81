{{ config(indexes=indexes_on([], unique=['customer_id', 'purpose', 'channel'])) }}

with ordered as (
    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel order by changed_at desc, known_date desc, change_id desc
        ) as newest_first
    from {{ ref('int_consents_identified') }}
)

select
    customer_id,
    purpose,
    channel,
    is_granted,
    changed_at,
    changed_date,
    known_date
from ordered
where newest_first = 1
