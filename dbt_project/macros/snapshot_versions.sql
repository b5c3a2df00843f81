{#-
Versions of an entity that arrives as full lists: one row per key and change, with the days on which it was what we
believed. The first list ever accepted stands for the time before it as well: history arrives as one list, and without
this no model could learn from it. Later lists count from the day we knew them, so the past never changes.
-#}
{% macro snapshot_versions(relation, key, attributes) -%}
    with told as (
        select
            {{ key }},
            {% for attribute in attributes %}{{ attribute }},
            {% endfor -%}
            known_date,
            min(known_date) over () as first_list_date,
            row_number() over (
                partition by {{ key }}, known_date order by batch_id desc, source_row desc
            ) as newest_first,
            {% for attribute in attributes -%}
            coalesce(cast({{ attribute }} as {{ dbt.type_string() }}), '~') || '|'{{ ' ||' if not loop.last }}
            {% endfor -%} as content
        from {{ relation }}
    ),

    compared as (
        select
            *,
            lag(content) over (partition by {{ key }} order by known_date) as content_before
        from told
        where newest_first = 1
    ),

    changed as (
        select
            *,
            case when known_date = first_list_date then cast('1900-01-01' as date) else known_date end as valid_from
        from compared
        where content_before is null or content_before <> content
    )

    select
        {{ key }},
        {% for attribute in attributes %}{{ attribute }},
        {% endfor -%}
        known_date,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by {{ key }} order by valid_from), cast('9999-12-31' as date)
        ) as valid_until
    from changed
{%- endmacro %}
