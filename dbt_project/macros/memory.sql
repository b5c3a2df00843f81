{#- Hook: let this transaction sort and hash in memory. 4 MB, the server's default, writes the windows to disk. -#}
{% macro give_memory() -%}
    {%- if execute -%}{{ adapter.dispatch('give_memory')() }}{%- endif -%}
{%- endmacro %}

{% macro default__give_memory() -%}{%- endmacro %}

{% macro postgres__give_memory() -%}
    set local work_mem = '256MB'
{%- endmacro %}
