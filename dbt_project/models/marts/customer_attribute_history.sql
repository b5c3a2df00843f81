{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    post_hook="{{ forget_who_told_nothing() }}",
    indexes=indexes_on([['customer_id'], ['valid_from']])
) }}

-- depends_on: {{ ref('int_person_versions_identified') }}
with compared as (
    select
        *,
        lag(coalesce(value, '')) over (partition by customer_id, attribute order by believed_date) as value_before
    from {{ ref('int_attributes_believed') }}
    {% if is_incremental() -%}
    where customer_id in (
        {{ whose_beliefs_changed('valid_from') }}
        union
        select customer_id
        from {{ this }}
        where valid_until >= {{ increment_since() }} and valid_until < cast('9999-12-31' as date)
    )
    {%- endif %}
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
