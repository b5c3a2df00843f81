{#-
What a person can be recognised by, written one way. The room normalisation writes the values; here they are joined. What
is none of its kind (or was not told) has no normalised value: the key is NULL, the original stays beside it.
`country` is the column with the country of phone numbers and postcodes, where the contract names one.
-#}
{% macro join_normalised(alias, kind, column, country=none, only_if='true') -%}
    left join {{ source('normalised', 'distinct_values') }} as {{ alias }}
        on
            {{ alias }}.kind = '{{ kind }}'
            and {{ alias }}.region = {% if country %}coalesce(upper(trim({{ country }})), ''){% else %}''{% endif %}
            and {{ alias }}.original_key = {{ dbt.hash(told(column)) }}
            {%- if only_if != 'true' %}
            and {{ only_if }}
            {%- endif %}
{%- endmacro %}

{#- The part of an e-mail up to and with the @: what the seed placeholder_values lists. -#}
{% macro mailbox(email) -%}
    {{ dbt.concat([dbt.split_part(email, "'@'", 1), "'@'"]) }}
{%- endmacro %}

{#- The part of an e-mail behind the @. -#}
{% macro email_domain(email) -%}
    {{ dbt.split_part(email, "'@'", 2) }}
{%- endmacro %}
