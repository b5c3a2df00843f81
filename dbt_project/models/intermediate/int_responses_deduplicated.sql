with ordered as (
    select
        *,
        row_number() over (partition by response_id order by known_date, batch_id, source_row) as oldest_first
    from {{ ref('stg_marketing__responses') }}
)

select
    response_id,
    send_id,
    kind,
    occurred_at,
    {{ shop_day('occurred_at') }} as occurred_date,
    known_date
from ordered
where oldest_first = 1
