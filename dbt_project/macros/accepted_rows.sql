{#-
The rows of one raw entity that may go on: of a batch that the gate accepted and that is known by as_of, and not waiting
in quarantine; only new ones if the model grows. Columns come as the text that was delivered, or as a steward repaired it;
a repaired row whose repair is gone (its person was erased) stays out. A department that has not
sent anything yet has no table: then there are no rows.
-#}
{% macro accepted_rows(department, entity, columns) -%}
    {%- set raw = source('raw_' ~ department, entity) -%}
    {%- set landed = not execute or load_relation(raw) is not none -%}
    select
        {% for column in columns -%}
            {% if landed -%}
                case
                    when repairs.row_number is null then raw_rows.{{ column }}
                    else {{ json_text('repairs.record', column) }}
                end as {{ column }}
            {%- else %}cast(null as {{ dbt.type_string() }}) as {{ column }}{% endif %},
        {% endfor -%}
        {% if landed %}raw_rows._row_number{% else %}cast(null as {{ dbt.type_bigint() }}){% endif %} as source_row,
        batches.batch_id,
        batches.is_first,
        batches.known_date
    from {{ ref('stg_quality__accepted_batches') }} as batches
    {% if landed -%}
    inner join {{ raw }} as raw_rows on batches.batch_id = raw_rows._batch_id
    left join {{ source('quarantine', 'repairs') }} as repairs
        on
            repairs.department = '{{ department }}'
            and repairs.entity = '{{ entity }}'
            and repairs.batch_id = raw_rows._batch_id
            and repairs.row_number = raw_rows._row_number
    -- Not "not exists": PostgreSQL takes that to leave one row of millions and plans nested loops over them (seen with
    -- 3.7 million events: not done after ten minutes).
    left join (
        select
            batch_id,
            row_number,
            max(case when status = 'repaired' then 0 else 1 end) as is_waiting
        from {{ source('quarantine', 'rejected_rows') }}
        where department = '{{ department }}' and entity = '{{ entity }}' and status <> 'released'
        group by batch_id, row_number
    ) as rejected
        on raw_rows._batch_id = rejected.batch_id and raw_rows._row_number = rejected.row_number
    {% endif -%}
    where
        batches.department = '{{ department }}'
        and batches.entity = '{{ entity }}'
        and batches.known_date <= {{ as_of() }}
        {% if is_incremental() -%}
        and batches.known_date >= {{ increment_since() }}
        {% endif -%}
        {% if not landed -%}
        and 1 = 0
        {% else -%}
        and case
            when rejected.row_number is null then true
            when rejected.is_waiting = 1 then false
            else repairs.row_number is not null
        end
        {% endif -%}
{%- endmacro %}

{#- The value of a key in a JSON object, as text. -#}
{% macro json_text(record, key) -%}
    {{ return(adapter.dispatch('json_text')(record, key)) }}
{%- endmacro %}

{% macro default__json_text(record, key) -%}
    {{ return(record ~ " ->> '" ~ key ~ "'") }}
{%- endmacro %}

{% macro spark__json_text(record, key) -%}
    {{ return("get_json_object(" ~ record ~ ", '$." ~ key ~ "')") }}
{%- endmacro %}

{#- A delivered text, or NULL if the department left it empty. -#}
{% macro told(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{#-
The day from which a row of a pulled source (database, API) counts as known. The first pull brings the whole history,
in one batch or in parts of the same day: there it is the day that the source itself names, as a file of the history has
its own day.
-#}
{% macro known_by_then(moment) -%}
    case when is_first then least(known_date, {{ shop_day(moment) }}) else known_date end
{%- endmacro %}
