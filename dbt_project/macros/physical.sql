{#- Indexes are a physical choice of one engine; the others get none. -#}
{% macro indexes_on(column_lists, unique=none) -%}
    {%- set wanted = [] -%}
    {%- if target.type == 'postgres' -%}
        {%- if unique -%}{%- do wanted.append({'columns': unique, 'unique': true}) -%}{%- endif -%}
        {%- for columns in column_lists -%}{%- do wanted.append({'columns': columns}) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(wanted) }}
{%- endmacro %}

{#- Whether a unique index of a table is on just these columns. -#}
{% macro has_unique_index(relation, columns) -%}
    {%- if not execute or target.type != 'postgres' or relation.identifier is not defined -%}{{ return(false) }}{%- endif -%}
    {%- set found = run_query(
        "select count(*) from pg_index as indexes where indexes.indrelid = to_regclass('" ~ relation ~ "')"
        " and indexes.indisunique and indexes.indisvalid and indexes.indpred is null and indexes.indexprs is null"
        " and (select array_agg(attname::text order by attname::text) from pg_attribute"
        " where attrelid = indexes.indrelid and attnum = any(indexes.indkey)) = array['" ~ columns | sort | join("', '") ~ "']"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}
