with ordered as (
    select
        *,
        row_number() over (
            partition by serial_no, measured_date order by known_date, batch_id, source_row
        ) as oldest_first
    from {{ ref('stg_devices__telemetry') }}
)

select
    ordered.serial_no,
    ordered.measured_date,
    customers.customer_id,
    ordered.cups,
    ordered.water_litres,
    ordered.error_code,
    ordered.firmware,
    greatest(ordered.known_date, customers.first_known_date) as known_date
from ordered
inner join {{ ref('customer_ids') }} as customers
    on
        ordered.serial_no = customers.source_key
        and customers.key_kind = 'device'
        and customers.first_known_date <= {{ as_of() }}
where ordered.oldest_first = 1
