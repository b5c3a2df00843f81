{{ config(materialized='view') }}

select
    gate,
    as_of as as_of_date,
    batch,
    expectation,
    column_name,
    severity,
    success as is_success
from {{ source('quality', 'gate_results') }}
where as_of <= {{ as_of() }}
