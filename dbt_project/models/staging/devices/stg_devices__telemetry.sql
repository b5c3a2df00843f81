{{ config(indexes=indexes_on([['known_date']], unique=['batch_id', 'source_row'])) }}

with delivered as (
    {{ accepted_rows('devices', 'telemetry', [
        'serial_no', 'measured_date', 'cups', 'water_litres', 'error_code', 'firmware'
    ]) }}
)

select
    {{ told('serial_no') }} as serial_no,
    cast({{ told('measured_date') }} as date) as measured_date,
    cast({{ told('cups') }} as integer) as cups,
    cast({{ told('water_litres') }} as {{ money() }}) as water_litres,
    {{ told('error_code') }} as error_code,
    {{ told('firmware') }} as firmware,
    source_row,
    batch_id,
    known_date
from delivered
