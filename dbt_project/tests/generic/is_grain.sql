{#-
The columns name a row: no two rows share them and none is missing. Every model has this test for its "One row per".
Where a unique index holds on just these columns, only what is missing is looked for: the index has refused the rest, row
by row, and a growing table is not sorted again each day. `known_within_days`: only rows known since, for a view over
tables whose own grain is tested.
-#}
{% test is_grain(model, columns, known_within_days=none) %}
    {%- if has_unique_index(model, columns) %}
    select {{ columns | join(', ') }}, 1 as row_count
    from {{ model }}
    where {% for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor %}
    {%- else %}
    select {{ columns | join(', ') }}, count(*) as row_count
    from {{ model }}
    {% if known_within_days -%}
    where known_date > {{ days_after(as_of(), -known_within_days) }}
    {%- endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1 {% for column in columns %} or {{ column }} is null{% endfor %}
    {%- endif %}
{% endtest %}
