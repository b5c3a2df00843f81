{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['known_date'], ['customer_id', 'sold_date']])
) }}

select
    customer_id,
    sold_date,
    known_date,
    department,
    cast(sum(spend_eur) as {{ money() }}) as spend_eur,
    cast(count(*) as integer) as lines
from {{ ref('basket_lines') }}
{% if is_incremental() -%}
where {{ is_new_or_moved('known_date') }}
{%- endif %}
group by customer_id, sold_date, known_date, department
