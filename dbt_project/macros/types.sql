{#- Types whose name differs by engine. -#}
{% macro type_double() -%}{{ adapter.dispatch('type_double')() }}{%- endmacro %}
{% macro default__type_double() -%}double precision{%- endmacro %}
{% macro spark__type_double() -%}double{%- endmacro %}

{#- Division that gives a double on every engine, and NULL instead of an error when there is nothing to divide by. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ type_double() }}) / nullif(cast({{ denominator }} as {{ type_double() }}), 0)
{%- endmacro %}

{% macro money() -%}numeric(14, 4){%- endmacro %}

{% macro type_moment() -%}{{ adapter.dispatch('type_moment')() }}{%- endmacro %}
{% macro default__type_moment() -%}timestamp with time zone{%- endmacro %}
{% macro spark__type_moment() -%}timestamp{%- endmacro %}
