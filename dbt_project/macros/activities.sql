{#- The columns of marts.customer_activities for one kind of activity; what a source does not know is NULL. -#}
{% macro activity(
    id, name, department, channel, day, moment=none, campaign=none, order_no=none, ticket=none, text_id=none, seconds=none,
    spend=none, score=none
) -%}
    {{ id }} as activity_id,
    customer_id,
    {{ name }} as activity,
    {{ department }} as department,
    {{ channel }} as channel,
    {{ day }} as activity_date,
    cast({{ moment or 'null' }} as {{ type_moment() }}) as activity_at,
    cast({{ campaign or 'null' }} as {{ dbt.type_string() }}) as campaign_id,
    cast({{ order_no or 'null' }} as {{ dbt.type_string() }}) as order_id,
    cast({{ ticket or 'null' }} as {{ dbt.type_string() }}) as ticket_id,
    cast({{ text_id or 'null' }} as {{ dbt.type_string() }}) as text_id,
    cast({{ seconds or 'null' }} as integer) as duration_seconds,
    cast({{ spend or 'null' }} as {{ money() }}) as spend_eur,
    cast({{ score or 'null' }} as integer) as satisfaction,
    known_date
{%- endmacro %}

{#- Whole seconds between two moments. -#}
{% macro seconds_between(earlier, later) -%}
    {{ adapter.dispatch('seconds_between')(earlier, later) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    cast(extract(epoch from ({{ later }}) - ({{ earlier }})) as integer)
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    cast(unix_timestamp({{ later }}) - unix_timestamp({{ earlier }}) as integer)
{%- endmacro %}
