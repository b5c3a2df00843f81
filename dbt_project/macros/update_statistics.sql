{#- A table that was just filled has no statistics, and the planner would guess (nested loops over millions of rows). -#}
{% macro update_statistics(relation) -%}
    {%- if execute and relation is not none -%}{{ adapter.dispatch('update_statistics')(relation) }}{%- endif -%}
{%- endmacro %}

{% macro default__update_statistics(relation) -%}{%- endmacro %}

{% macro postgres__update_statistics(relation) -%}
    {%- if config.get('materialized') in ('incremental', 'table') or relation != this -%}
        analyze {{ relation }}
    {%- endif -%}
{%- endmacro %}
