{{ config(
    materialized='view',
    pre_hook="{{ update_statistics(source('quarantine', 'rejected_rows')) }}"
) }}

-- A batch that the gate held at first and accepted in a later run is known from that later day: what was decided in
-- between was decided without it. History (known before the run that landed it) keeps its own dates.
with waiting as (
    select
        department,
        entity,
        batch_id,
        count(distinct row_number) as waiting_rows
    from {{ source('quarantine', 'rejected_rows') }}
    where status not in ('released', 'repaired')
    group by department, entity, batch_id
),

repaired as (
    select
        department,
        entity,
        batch_id,
        sum(revision) as repairs
    from {{ source('quarantine', 'repairs') }}
    group by department, entity, batch_id
),

dated as (
    select
        accepted.department,
        accepted.entity,
        accepted.batch_id,
        case
            when accepted.known_date >= landed.landed_as_of and accepted.accepted_as_of > accepted.known_date
                then accepted.accepted_as_of
            else accepted.known_date
        end as known_date,
        coalesce(waiting.waiting_rows, 0) as waiting_rows,
        cast(coalesce(repaired.repairs, 0) as {{ dbt.type_bigint() }}) as repairs
    from {{ source('quality', 'accepted_batches') }} as accepted
    left join {{ ref('stg_quality__batches') }} as landed
        on
            accepted.department = landed.department
            and accepted.batch_id = landed.batch_id
    left join waiting
        on
            accepted.department = waiting.department
            and accepted.entity = waiting.entity
            and accepted.batch_id = waiting.batch_id
    left join repaired
        on
            accepted.department = repaired.department
            and accepted.entity = repaired.entity
            and accepted.batch_id = repaired.batch_id
)

select
    department,
    entity,
    batch_id,
    known_date,
    waiting_rows,
    repairs,
    -- A history that is too long for one batch comes in parts of the same day: all of them are the first delivery.
    known_date = min(known_date) over (partition by department, entity) as is_first
from dated
