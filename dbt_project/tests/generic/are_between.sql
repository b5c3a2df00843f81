{#-
Every value that is there lies in the closed range of its column ([minimum, maximum], none for no limit): one look at the
table for all columns. The row that fails counts what lies outside, column by column.
-#}
{% test are_between(model, ranges) %}
    select *
    from (
        select
            {% for column, limits in ranges.items() -%}
            sum(
                case when 1 = 0
                    {%- if limits[0] is not none %} or {{ column }} < {{ limits[0] }}{% endif %}
                    {%- if limits[1] is not none %} or {{ column }} > {{ limits[1] }}{% endif %} then 1 else 0 end
            ) as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ model }}
    ) as outside
    where {% for column in ranges %}{{ column }} > 0{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
