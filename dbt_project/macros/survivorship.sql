{#- Place of a word in a list of words that are separated by blanks; what is not in it comes last. -#}
{% macro place_in(word, words) -%}
    coalesce(nullif({{ dbt.position(
        dbt.concat(["' '", word, "' '"]), dbt.concat(["' '", words, "' '"])
    ) }}, 0), 9999)
{%- endmacro %}
