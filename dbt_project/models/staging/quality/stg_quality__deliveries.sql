{{ config(materialized='view') }}

-- A repeated file and a list that a newer one replaced bring no rows, yet they show that the department is alive.
select
    landed.department,
    landed.entity,
    landed.batch_id,
    landed.delivered_date,
    coalesce(accepted.known_date, landed.known_date) as known_date
from {{ ref('stg_quality__batches') }} as landed
left join {{ ref('stg_quality__accepted_batches') }} as accepted
    on
        landed.department = accepted.department
        and landed.batch_id = accepted.batch_id
where accepted.batch_id is not null or landed.status in ('duplicate', 'superseded')
