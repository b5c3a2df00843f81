-- Fails when: a line of a receipt with a known card is neither in basket_lines nor in returns (nor, with no piece sold,
-- rightly in neither), or is in one of them twice.
-- Why: a lost or doubled line changes spend, labels and decisions, and nobody would see it.
{{ config(tags=['reconcile']) }}

with delivered as (
    select distinct
        receipt_id,
        line_no,
        card_key
    from {{ ref('stg_till__receipts') }}
    where card_key is not null
),

found as (
    select
        basket_id as receipt_id,
        line_id as line_no
    from {{ ref('basket_lines') }}
    where store_id <> 'online'
    union all
    select
        receipt_id,
        cast(line_no as {{ dbt.type_string() }}) as line_no
    from {{ ref('stg_till__receipts') }}
    where
        card_key is not null
        and quantity <= 0
),

counted as (
    select
        receipt_id,
        line_no,
        count(*) as times
    from found
    group by receipt_id, line_no
)

select
    delivered.receipt_id,
    delivered.line_no,
    counted.times
from delivered
left join counted
    on
        delivered.receipt_id = counted.receipt_id
        and cast(delivered.line_no as {{ dbt.type_string() }}) = counted.line_no
where counted.times is null
