{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ give_memory() }}", "{{ clear_touched_visits() }}", "{{ clear_new_or_moved() }}"],
    indexes=indexes_on([['known_date'], ['customer_id', 'visit_date']])
) }}

-- depends_on: {{ ref('customer_moves') }}
-- A visit is a day of a browser or of an installed app. Events that come late make a row of their own, so that a row
-- never changes. A repeated event counts once, from the first delivery.
with ordered as (
    select
        *,
        row_number() over (partition by department, event_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('int_events_united') }}
    {{ where_event_in_question() }}
),

-- Who did it: the account that was logged in, else the account that the visitor or install was first seen with, while
-- it is the only one. What was done before the first login is the person's from the login on, and nobody's again once
-- the device turns out to be shared.
identified as (
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
)

select
    {{ dbt.hash(
        "department || '/' || visitor_id || '/' || cast(visit_date as " ~ dbt.type_string() ~ ") || '/' || cast(known_date as "
        ~ dbt.type_string() ~ ") || '/' || coalesce(customer_id, '')"
    ) }} as visit_id,
    customer_id,
    department,
    visitor_id,
    visit_date,
    min(occurred_at) as started_at,
    {{ seconds_between('min(occurred_at)', 'max(occurred_at)') }} as duration_seconds,
    cast(count(*) as integer) as events,
    cast(sum(case when event = 'view' then 1 else 0 end) as integer) as views,
    cast(sum(case when event = 'search' then 1 else 0 end) as integer) as searches,
    cast(sum(case when event in ('cart', 'checkout') then 1 else 0 end) as integer) as carts,
    cast(sum(case when event = 'order' then 1 else 0 end) as integer) as orders,
    cast(
        sum(case when event in ('help', 'track', 'return_form', 'cancel_form') then 1 else 0 end) as integer
    ) as service_events,
    known_date
from identified
{% if is_incremental() -%}
where
    {{ is_new_or_moved('known_date') }}
    or (
        customer_id is null
        and (case department when 'web' then 'visitor' else 'install' end, visitor_id) in ({{ touched_visitors() }})
    )
{%- endif %}
group by customer_id, department, visitor_id, visit_date, known_date
