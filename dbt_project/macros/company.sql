{#- What differs between the companies that this project serves: a line of the variable `companies`, by CX_DATASET. -#}
{% macro company(name) -%}
    {%- set companies = var('companies') -%}
    {{ return(companies.get(env_var('CX_DATASET', 'nordhaus'), companies['complete_journey'])[name]) }}
{%- endmacro %}

{#- The departments that have landed anything: those with a table `_batches`, so that a new one needs no edit here. -#}
{% macro landed_departments() -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- for raw in graph.sources.values() if raw.name == '_batches' and raw.schema.startswith('raw_') -%}
            {%- set table = api.Relation.create(database=target.database, schema=raw.schema, identifier='_batches') -%}
            {%- if load_relation(table) is not none -%}
                {%- do found.append((raw.schema[4:], table)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found | sort) }}
{%- endmacro %}
