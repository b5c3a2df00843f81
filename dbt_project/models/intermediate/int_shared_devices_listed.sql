{{ config(materialized='table', indexes=indexes_on([['visitor_id']])) }}

-- From the day on which a second account was seen with a visitor or an install, what it does without a login is
-- nobody's.
with accounts as (
    select
        'web' as department,
        visitor_id,
        account_id,
        min(known_date) as known_date
    from {{ ref('stg_web__events') }}
    where
        account_id is not null
        and not is_bot
    group by visitor_id, account_id
    union all
    select
        'app' as department,
        install_id as visitor_id,
        account_id,
        min(known_date) as known_date
    from {{ ref('stg_app__events') }}
    where
        account_id is not null
        and not is_bot
    group by install_id, account_id
),

ordered as (
    select
        *,
        row_number() over (partition by department, visitor_id order by known_date, account_id) as oldest_first
    from accounts
)

select
    department,
    visitor_id,
    known_date as shared_date
from ordered
where oldest_first = 2
