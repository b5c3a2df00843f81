{#-
The parts of a full name as it was written: "Dr. Groß, Anna" and "Anna Groß" both give Anna and Groß. Without a comma the
surname is the last word with the particles before it: "Lena Marie von der Heide". One word alone is a given name.
-#}
{% macro given_name_in(full_name) -%}
    case
        when {{ dbt.position("','", full_name) }} > 0
            then {{ without_title(dbt.split_part(full_name, "','", 2)) }}
        else regexp_replace({{ without_title(full_name) }}, '{{ _surname_at_the_end() }}', '')
    end
{%- endmacro %}

{% macro surname_in(full_name) -%}
    case
        when {{ dbt.position("','", full_name) }} > 0
            then trim({{ dbt.split_part(without_title(full_name), "','", 1) }})
        else trim(substr({{ without_title(full_name) }}, length({{ given_name_in(full_name) }}) + 1))
    end
{%- endmacro %}

{#- The first words of a normalised full name: as many as the given name has with its blanks and hyphens, at most three. -#}
{% macro given_name_key_in(full_name_key, given_name) -%}
    {%- set first = dbt.split_part(full_name_key, "' '", 1) -%}
    {%- set second = dbt.split_part(full_name_key, "' '", 2) -%}
    {%- set third = dbt.split_part(full_name_key, "' '", 3) -%}
    case length({{ given_name }}) - length(replace(replace({{ given_name }}, '-', ''), ' ', ''))
        when 0 then {{ first }}
        when 1 then {{ dbt.concat([first, "' '", second]) }}
        else {{ dbt.concat([first, "' '", second, "' '", third]) }}
    end
{%- endmacro %}

{#- A regular expression: a blank, particles (as in the seed family_name_parts), a word, the end. -#}
{% macro _surname_at_the_end() -%}
    (?i) +((von|van|der|den|dem|zu|vom|zum|zur|de|di|da|la|le|el|al|graf|gräfin|freiherr|freifrau) +)*[^ ]+$
{%- endmacro %}

{#- Titles and forms of address before a name: the `name_titles` of normalisation/rules.yml that stand in front. -#}
{% macro without_title(name) -%}
    trim(regexp_replace(
        trim({{ name }}),
        '(?i)^((dr|prof|professor|dipl|ing|mag|med|phil|rer|nat|jur|habil|hc|herr|frau|mr|mrs|ms|miss)[. ]+)+', ''
    ))
{%- endmacro %}

{#- A word without the letter at a place; two words that differ in one letter, or in two swapped ones, have one in common. -#}
{% macro with_a_letter_less(word, place) -%}
    {{ dbt.concat(["substr(" ~ word ~ ", 1, " ~ place ~ " - 1)", "substr(" ~ word ~ ", " ~ place ~ " + 1)"]) }}
{%- endmacro %}
