{{ config(indexes=indexes_on([['customer_id']])) }}

with compared as (
    select
        *,
        lag(coalesce(value, '')) over (partition by customer_id, attribute order by believed_date) as value_before
    from {{ ref('int_attributes_believed') }}
),

changed as (
    select
        *,
        coalesce(
            lead(believed_date) over (partition by customer_id, attribute order by believed_date),
            cast('9999-12-31' as date)
        ) as valid_until
    from compared
    where
        value_before is null
        or value_before <> coalesce(value, '')
)

-- A postcode whose street is gone ends without a new one.
select
    customer_id,
    attribute,
    value,
    value_key,
    chosen_by,
    department,
    entity,
    source_key,
    batch_id,
    source_row,
    told_at,
    known_date,
    believed_date as valid_from,
    valid_until
from changed
where value is not null
