{{ config(indexes=indexes_on([], unique=['customer_id', 'purpose', 'channel'])) }}

-- A withdrawal and a grant of the same moment come from two places; the withdrawal counts.
with ordered as (
    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel
            order by changed_at desc, is_granted asc, known_date desc, change_id desc
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
