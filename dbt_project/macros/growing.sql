{#- Restrict an input of a growing model to what is new. In a join condition, because planners do not carry an inequality
from one side of a join to the other. -#}
{% macro and_is_new(column) -%}
    {%- if is_incremental() -%}and {{ column }} >= {{ increment_since() }}{%- endif -%}
{%- endmacro %}
