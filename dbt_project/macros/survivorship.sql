{#- Hook of customer_conflicts: forget a value that survives now, or that nobody told any more (its batch was withdrawn). -#}
{% macro forget_settled_conflicts() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }}
        where
            exists (
                select 1
                from {{ ref('customer_attributes') }} as survivor
                where
                    survivor.customer_id = {{ this.identifier }}.customer_id
                    and survivor.attribute = {{ this.identifier }}.attribute
                    and survivor.value_key = {{ this.identifier }}.value_key
            )
            or not exists (
                select 1
                from {{ ref('int_person_versions_identified') }} as told
                where
                    told.customer_id = {{ this.identifier }}.customer_id
                    and told.attribute = {{ this.identifier }}.attribute
                    and told.value_key = {{ this.identifier }}.value_key
            )
    {%- endif -%}
{% endmacro %}

{#- Place of a word in a list of words that are separated by blanks; what is not in it comes last. -#}
{% macro place_in(word, words) -%}
    coalesce(nullif({{ dbt.position(
        dbt.concat(["' '", word, "' '"]), dbt.concat(["' '", words, "' '"])
    ) }}, 0), 9999)
{%- endmacro %}
