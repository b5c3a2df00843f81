-- Who did it: the account that was logged in, else the account that the visitor or install was first seen with, while
-- it is the only one. What was done before the first login is the person's from the login on, and nobody's again once
-- the device turns out to be shared. Machines do not count.
-- A repeated event counts once, from the first delivery.
with events as (
    select
        'web' as department,
        event_id,
        visitor_id,
        'visitor' as key_kind,
        account_id,
        event,
        occurred_at,
        known_date,
        batch_id,
        source_row
    from {{ ref('stg_web__events') }}
    where not is_bot
    union all
    select
        'app' as department,
        event_id,
        install_id as visitor_id,
        'install' as key_kind,
        account_id,
        event,
        occurred_at,
        known_date,
        batch_id,
        source_row
    from {{ ref('stg_app__events') }}
    where not is_bot
),

ordered as (
    select
        *,
        row_number() over (partition by department, event_id order by known_date, batch_id, source_row) as oldest_first
    from events
)

select
    ordered.department,
    ordered.event_id,
    ordered.visitor_id,
    coalesce(accounts.customer_id, visitors.customer_id) as customer_id,
    ordered.event,
    ordered.occurred_at,
    {{ shop_day('ordered.occurred_at') }} as visit_date,
    case
        when accounts.customer_id is null then greatest(ordered.known_date, visitors.first_known_date)
        else ordered.known_date
    end as known_date
from ordered
left join {{ ref('customer_ids') }} as accounts
    on
        ordered.account_id = accounts.source_key
        and accounts.key_kind = 'account'
        and ordered.known_date >= accounts.first_known_date
left join {{ ref('int_shared_devices_listed') }} as shared
    on
        ordered.department = shared.department
        and ordered.visitor_id = shared.visitor_id
left join {{ ref('customer_ids') }} as visitors
    on
        ordered.account_id is null
        and ordered.visitor_id = visitors.source_key
        and ordered.key_kind = visitors.key_kind
        and visitors.first_known_date <= {{ as_of() }}
        and (
            shared.shared_date is null
            or (ordered.known_date >= visitors.first_known_date and ordered.known_date < shared.shared_date)
        )
where ordered.oldest_first = 1
