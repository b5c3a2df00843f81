{{ config(materialized='view') }}

select
    status.department,
    status.as_of as as_of_date,
    status.data_as_of,
    status.status,
    health.score,
    health.completeness,
    health.validity,
    health.timeliness,
    health.rows_at_stake,
    health.money_at_stake_eur
from {{ source('quality', 'department_status') }} as status
left join {{ source('quality', 'department_health') }} as health
    on
        status.department = health.department
        and status.as_of = health.as_of
where status.as_of <= {{ as_of() }}
