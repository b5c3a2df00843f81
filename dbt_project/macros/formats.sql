{#-
Values that a source writes in its own way, as columns. The raw gate has checked that they are in their format
(`expectations/formats.py`), so nothing is checked here again. `told` makes an empty text NULL.
-#}
{% macro from_format(column, format) -%}
    {%- set v = told(column) -%}
    {%- if format == 'DD.MM.YYYY' -%}
        cast({{ _dotted_day(v) }} as date)
    {%- elif format == 'DD.MM.YYYY HH24:MI' -%}
        cast({{ dbt.concat([_dotted_day(v), "substr(" ~ v ~ ", 11)", "':00'"]) }} as timestamp)
    {%- elif format == 'YYYYMMDDHH24MISS' -%}
        cast({{ dbt.concat([
            "substr(" ~ v ~ ", 1, 4)", "'-'", "substr(" ~ v ~ ", 5, 2)", "'-'", "substr(" ~ v ~ ", 7, 2)", "' '",
            "substr(" ~ v ~ ", 9, 2)", "':'", "substr(" ~ v ~ ", 11, 2)", "':'", "substr(" ~ v ~ ", 13, 2)"
        ]) }} as timestamp)
    {%- elif format == 'epoch_seconds' -%}
        {{ epoch_moment("cast(" ~ v ~ " as " ~ dbt.type_bigint() ~ ")") }}
    {%- elif format == 'epoch_milliseconds' -%}
        {{ epoch_moment("cast(" ~ v ~ " as " ~ dbt.type_bigint() ~ ") / 1000.0") }}
    {%- elif format == 'decimal_comma' -%}
        cast(replace(replace({{ v }}, '.', ''), ',', '.') as {{ money() }})
    {%- elif format == 'J/N' -%}
        {{ v }} = 'J'
    {%- else -%}
        {{ exceptions.raise_compiler_error("There is no format '" ~ format ~ "'; see FORMATS in landing/contracts.py.") }}
    {%- endif -%}
{%- endmacro %}

{% macro _dotted_day(v) -%}
    {{ return(dbt.concat(["substr(" ~ v ~ ", 7, 4)", "'-'", "substr(" ~ v ~ ", 4, 2)", "'-'", "substr(" ~ v ~ ", 1, 2)"])) }}
{%- endmacro %}

{#- Seconds since 1970 as a moment (UTC). -#}
{% macro epoch_moment(seconds) -%}
    {{ return(adapter.dispatch('epoch_moment')(seconds)) }}
{%- endmacro %}

{% macro default__epoch_moment(seconds) -%}
    {{ return("to_timestamp(" ~ seconds ~ ")") }}
{%- endmacro %}

{% macro spark__epoch_moment(seconds) -%}
    {{ return("timestamp_seconds(" ~ seconds ~ ")") }}
{%- endmacro %}
