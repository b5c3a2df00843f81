{#-
Who may read which column, decided where the column is described. BI (cx_bi) reads marts and insights without the columns
marked `personal_data`; agents (cx_agent) read the columns marked `customer_card`. A role that does not exist is skipped. What stands on marts_blue and
marts_green, which no reader enters, is carried over to the views of marts (activation/marts.py).
-#}
{% macro grant_columns() -%}
    {%- if execute and model.schema in ('marts', 'marts_blue', 'marts_green', 'insights') -%}
        {{ adapter.dispatch('grant_columns')() }}
    {%- endif -%}
{%- endmacro %}

{% macro default__grant_columns() -%}{%- endmacro %}

{% macro postgres__grant_columns() -%}
    {%- set present = run_query("select rolname from pg_roles where rolname in ('cx_bi', 'cx_agent')").columns[0].values() -%}
    {%- for role, wants in {'cx_bi': 'open', 'cx_agent': 'customer_card'}.items() if role in present -%}
        {%- set columns = [] -%}
        {%- for name, column in model.columns.items() -%}
            {%- set meta = column.config.meta or column.meta or {} -%}
            {%- set may_read = meta.get('customer_card') if wants == 'customer_card' else not meta.get('personal_data') -%}
            {%- if may_read -%}
                {%- do columns.append(adapter.quote(name)) -%}
            {%- endif -%}
        {%- endfor -%}
        revoke all on {{ this }} from {{ role }};
        {% if columns -%}
        grant select ({{ columns | join(', ') }}) on {{ this }} to {{ role }};
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}
