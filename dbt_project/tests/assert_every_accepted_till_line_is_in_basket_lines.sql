-- Fails when: an accepted raw till line is neither in basket_lines exactly once nor kept back in quarantine.
-- Why: a lost or doubled line changes spend, labels and decisions, and nobody would see it.
-- A row of the result is a batch whose books do not balance, to the unit. A company whose tills write receipts instead
-- has a law of its own.
{{ config(tags=['reconcile']) }}
{% set landed = not execute or load_relation(source('raw_till', 'transactions')) is not none -%}

with landed as (
    {% if landed -%}
    select
        _batch_id as batch_id,
        count(*) as landed_rows
    from {{ source('raw_till', 'transactions') }}
    group by _batch_id
    {%- else -%}
    select
        cast(null as {{ dbt.type_string() }}) as batch_id,
        0 as landed_rows
    where 1 = 0
    {%- endif %}
),

kept_back as (
    select
        rejected.batch_id,
        count(distinct rejected.row_number) as waiting_rows
    from {{ source('quarantine', 'rejected_rows') }} as rejected
    left join {{ source('quarantine', 'repairs') }} as repairs
        on
            rejected.department = repairs.department
            and rejected.entity = repairs.entity
            and rejected.batch_id = repairs.batch_id
            and rejected.row_number = repairs.row_number
    where
        rejected.department = 'till'
        and rejected.entity = 'transactions'
        and rejected.status <> 'released'
        and not (rejected.status = 'repaired' and repairs.row_number is not null)
        -- an erased person's line is gone from raw too; only its number is kept
        and rejected.rule <> 'erased'
    group by rejected.batch_id
),

in_mart as (
    select
        batch_id,
        count(*) as mart_rows,
        count(distinct source_row) as mart_source_rows
    from {{ ref('basket_lines') }}
    group by batch_id
)

select
    batches.batch_id,
    landed.landed_rows,
    kept_back.waiting_rows,
    in_mart.mart_rows
from {{ ref('stg_quality__accepted_batches') }} as batches
left join landed on batches.batch_id = landed.batch_id
left join kept_back on batches.batch_id = kept_back.batch_id
left join in_mart on batches.batch_id = in_mart.batch_id
where
    batches.department = 'till'
    and batches.entity = 'transactions'
    and batches.known_date <= {{ as_of() }}
    and (
        coalesce(landed.landed_rows, 0) <> coalesce(kept_back.waiting_rows, 0) + coalesce(in_mart.mart_rows, 0)
        or coalesce(in_mart.mart_rows, 0) <> coalesce(in_mart.mart_source_rows, 0)
    )
