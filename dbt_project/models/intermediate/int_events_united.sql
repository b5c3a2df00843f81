{{ config(materialized='view') }}

-- Machines do not count. A view, not inlined: visits looks into it twice, and a planner passes conditions into a view.
{% for department, model, visitor_id, key_kind in [
    ('web', 'stg_web__events', 'visitor_id', 'visitor'), ('app', 'stg_app__events', 'install_id', 'install')
] -%}
select
    '{{ department }}' as department,
    event_id,
    {{ visitor_id }} as visitor_id,
    '{{ key_kind }}' as key_kind,
    account_id,
    event,
    occurred_at,
    known_date,
    batch_id,
    source_row
from {{ ref(model) }}
where not is_bot
{{ 'union all' if not loop.last }}
{% endfor %}
