{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ give_memory() }}", "{{ clear_touched_visits() }}", "{{ clear_new_or_moved() }}"],
    indexes=indexes_on([['known_date'], ['customer_id', 'visit_date']])
) }}

-- depends_on: {{ ref('customer_moves') }}, {{ ref('customer_ids') }}, {{ ref('int_shared_devices_listed') }}
-- A visit is a day of a browser or of an installed app. Events that come late make a row of their own, so that a row
-- never changes.
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
from {{ ref('int_events_identified') }}
{% if is_incremental() -%}
where
    {{ is_new_or_moved('known_date') }}
    or (
        customer_id is null
        and (case department when 'web' then 'visitor' else 'install' end, visitor_id) in ({{ touched_visitors() }})
    )
{%- endif %}
group by customer_id, department, visitor_id, visit_date, known_date
