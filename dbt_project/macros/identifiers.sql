{#- What a person can be recognised by, written one way. Whatever is not unambiguous becomes NULL; the text stays beside it. -#}

{% macro email_written(column) -%}
    lower({{ told(column) }})
{%- endmacro %}

{#- The part of an e-mail up to and with the @: what the seed placeholder_values lists. -#}
{% macro mailbox(email) -%}
    {{ dbt.concat([dbt.split_part(email, "'@'", 1), "'@'"]) }}
{%- endmacro %}

{#- A phone number as +49…: a German one with leading zero, or any with its country. Lengths after ITU-T E.164. -#}
{% macro phone_key(column) -%}
    {%- set digits = phone_digits(column) -%}
    case
        when {{ digits }} like '+490%' then {{ dbt.concat(["'+49'", "substr(" ~ digits ~ ", 5)"]) }}
        when {{ digits }} like '+%' and length({{ digits }}) between 9 and 16 then {{ digits }}
        when {{ digits }} like '00%' and length({{ digits }}) between 10 and 17 then {{ dbt.concat(["'+'", "substr(" ~ digits ~ ", 3)"]) }}
        when {{ digits }} like '0%' and length({{ digits }}) between 8 and 13 then {{ dbt.concat(["'+49'", "substr(" ~ digits ~ ", 2)"]) }}
    end
{%- endmacro %}

{#- Digits and a leading plus. A text with other letters is no number. -#}
{% macro phone_digits(column) -%}
    {{ return(adapter.dispatch('phone_digits')(column)) }}
{%- endmacro %}

{% macro default__phone_digits(column) -%}
    {{ return("regexp_replace(" ~ column ~ ", '[^0-9+]', '', 'g')") }}
{%- endmacro %}

{% macro spark__phone_digits(column) -%}
    {{ return("regexp_replace(" ~ column ~ ", '[^0-9+]', '')") }}
{%- endmacro %}

{#- Hook of customer_ids: ids minted before there were kinds are those of household numbers. -#}
{% macro name_older_keys() %}
    {%- if execute -%}
        update {{ this }} set key_kind = 'loyalty', decided_by = 'loyalty' where key_kind is null
    {%- endif -%}
{% endmacro %}
