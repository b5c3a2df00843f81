{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook="{{ clear_new_or_moved() }}",
    indexes=indexes_on([['customer_id'], ['known_date']])
) }}

select
    serial_no,
    measured_date,
    customer_id,
    cups,
    water_litres,
    error_code,
    firmware,
    known_date
from {{ ref('int_telemetry_identified') }}
{% if is_incremental() -%}
where {{ is_new_or_moved('known_date') }}
{%- endif %}
