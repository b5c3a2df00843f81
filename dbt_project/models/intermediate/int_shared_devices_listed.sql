{{ config(materialized='table', indexes=indexes_on([['visitor_id']])) }}

-- From the day on which a second account was seen with a visitor or an install, what it does without a login is
-- nobody's.
with ordered as (
    select
        case key_kind when 'visitor' then 'web' else 'app' end as department,
        source_key as visitor_id,
        known_date,
        row_number() over (partition by key_kind, source_key order by known_date, account_id) as oldest_first
    from {{ ref('int_device_accounts') }}
    where key_kind in ('visitor', 'install')
)

select
    department,
    visitor_id,
    known_date as shared_date
from ordered
where oldest_first = 2
