{#- In a model that grows: customers of whom a fact that labels are made of became known, however long ago it happened. -#}
{% macro customers_with_new_facts() -%}
    select customer_id
    from {{ ref('customer_days') }}
    where known_date >= {{ increment_since() }}
    union
    select customer_id
    from {{ ref('coupon_redemptions') }}
    where known_date >= {{ increment_since() }}
    union
    select customer_id
    from {{ ref('cases') }}
    where first_known_date >= {{ increment_since() }}
    union
    select customer_id
    from {{ ref('returns') }}
    where known_date >= {{ increment_since() }}
{%- endmacro %}

{#-
Which labels an increment computes again: those whose horizon ended with the new days, and all of a customer with a new
fact: it may lie in any horizon, or in the days that "new department" and "spends more" look back on.
-#}
{% macro is_to_label(as_of_date, horizon_days, customer_id='customer_id') -%}
    (
        {{ days_after(as_of_date, horizon_days) }} >= {{ increment_since() }}
        or {{ customer_id }} in ({{ customers_with_new_facts() }})
    )
{%- endmacro %}

{% macro clear_unlabelled() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_to_label('as_of_date', 'horizon_days') }} {{ or_moved() }}
    {%- endif -%}
{% endmacro %}
