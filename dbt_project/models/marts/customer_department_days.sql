{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_increment() }}",
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
where known_date >= {{ increment_since() }}
{%- endif %}
group by customer_id, sold_date, known_date, department
