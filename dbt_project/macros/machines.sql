{#-
Who is a machine by its pace (seed machine_rules, measure events_per_minute). Counted within a delivered file: what is
known of an event then never changes with a later one, so an increment equals a full refresh.
-#}
{% macro paced(relation, visitor, moment) -%}
    select
        {{ visitor }},
        batch_id,
        max(events) as events_per_minute
    from (
        select
            {{ visitor }},
            batch_id,
            count(*) as events
        from {{ relation }}
        group by {{ visitor }}, batch_id, {{ dbt.date_trunc('minute', moment) }}
    ) as minutes
    group by {{ visitor }}, batch_id
{%- endmacro %}

{% macro join_pace(relation, visitor, department) -%}
left join paced
    on
        {{ relation }}.{{ visitor }} = paced.{{ visitor }}
        and {{ relation }}.batch_id = paced.batch_id
left join {{ ref('machine_rules') }} as pace
    on
        pace.department = '{{ department }}'
        and pace.measure = 'events_per_minute'
        and paced.events_per_minute > pace.threshold
{%- endmacro %}
