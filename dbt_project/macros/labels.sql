{#-
Which labels an increment computes again: those whose horizon ended with the new days, and those whose windows a late fact
falls into. A fact of day e touches the dates from e - horizon on (it may lie in their horizon) up to e + 84 (it may lie in
the 84 days that "new department" and "spends more" look back on), so all dates from e - horizon on are taken.
-#}
{% macro first_touched_date() -%}
    (
        select min(event_date)
        from (
            select min(sold_date) as event_date from {{ ref('customer_days') }} where known_date >= {{ increment_since() }}
            union all
            select min(redeemed_date) from {{ ref('coupon_redemptions') }} where known_date >= {{ increment_since() }}
            union all
            select min(opened_date) from {{ ref('cases') }} where first_known_date >= {{ increment_since() }}
            union all
            select min(returned_date) from {{ ref('returns') }} where known_date >= {{ increment_since() }}
            union all
            select {{ increment_since() }}
        ) as new_facts
    )
{%- endmacro %}

{% macro is_to_label(as_of_date, horizon_days) -%}
    {{ days_after(as_of_date, horizon_days) }} >= {{ first_touched_date() }}
{%- endmacro %}

{% macro clear_unlabelled() %}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} where {{ is_to_label('as_of_date', 'horizon_days') }} {{ or_moved() }}
    {%- endif -%}
{% endmacro %}
