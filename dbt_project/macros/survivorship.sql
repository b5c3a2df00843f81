{#-
The parts of a full name as it was written; the normalised name has no titles and the given name first, this one keeps
its letters. "Dr. Groß, Anna" and "Anna Groß" both give Anna and Groß. Without a blank or comma there is no surname.
-#}
{% macro given_name_in(full_name) -%}
    {%- set bare = without_title(full_name) -%}
    case
        when {{ dbt.position("','", full_name) }} > 0
            then {{ without_title(dbt.split_part(full_name, "','", 2)) }}
        else {{ dbt.split_part(bare, "' '", 1) }}
    end
{%- endmacro %}

{% macro surname_in(full_name) -%}
    {%- set bare = without_title(full_name) -%}
    case
        when {{ dbt.position("','", full_name) }} > 0
            then trim({{ dbt.split_part(bare, "','", 1) }})
        else trim(substr({{ bare }}, {{ dbt.position("' '", bare) }}))
    end
{%- endmacro %}

{#- Titles and forms of address before a name: the `name_titles` of normalisation/rules.yml that stand in front. -#}
{% macro without_title(name) -%}
    trim(regexp_replace(
        trim({{ name }}),
        '(?i)^((dr|prof|professor|dipl|ing|mag|med|phil|rer|nat|jur|habil|hc|herr|frau|mr|mrs|ms|miss)[. ]+)+', ''
    ))
{%- endmacro %}

{#- Place of a word in a list of words that are separated by blanks; what is not in it comes last. -#}
{% macro place_in(word, words) -%}
    coalesce(nullif({{ dbt.position(
        dbt.concat(["' '", word, "' '"]), dbt.concat(["' '", words, "' '"])
    ) }}, 0), 9999)
{%- endmacro %}
