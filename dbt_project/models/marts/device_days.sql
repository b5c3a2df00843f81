{{ config(indexes=indexes_on([['customer_id']])) }}

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
