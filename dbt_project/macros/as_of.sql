{#- The last complete business day of this build, as text (2017-12-28). An unquoted date in --vars arrives as a date. -#}
{% macro as_of_text() -%}
    {%- set given = var('as_of', none) -%}
    {%- if given is none -%}
        {%- if execute -%}
            {{ exceptions.raise_compiler_error("Say which day to build for: --vars '{as_of: 2017-12-28}'") }}
        {%- endif -%}
        {%- set given = '1970-01-01' -%}
    {%- endif -%}
    {%- do modules.datetime.date.fromisoformat(given | string) -%}
    {{ return(given | string) }}
{%- endmacro %}

{% macro as_of() -%}
    cast('{{ as_of_text() }}' as date)
{%- endmacro %}
