{#- Indexes are a physical choice of one engine; the others get none. -#}
{% macro indexes_on(column_lists, unique=none) -%}
    {%- set wanted = [] -%}
    {%- if target.type == 'postgres' -%}
        {%- if unique -%}{%- do wanted.append({'columns': unique, 'unique': true}) -%}{%- endif -%}
        {%- for columns in column_lists -%}{%- do wanted.append({'columns': columns}) -%}{%- endfor -%}
    {%- endif -%}
    {{ return(wanted) }}
{%- endmacro %}
