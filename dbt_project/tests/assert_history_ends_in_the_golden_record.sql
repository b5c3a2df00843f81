-- Fails when: the newest row of the history is another value than the one that survives.
-- Why: both answer "what do we believe of this person", and must answer the same for today.
with newest as (
    select *
    from {{ ref('customer_attribute_history') }}
    where valid_until = cast('9999-12-31' as date)
)

select
    coalesce(survivor.customer_id, newest.customer_id) as customer_id,
    coalesce(survivor.attribute, newest.attribute) as attribute
from {{ ref('customer_attributes') }} as survivor
full join newest
    on
        survivor.customer_id = newest.customer_id
        and survivor.attribute = newest.attribute
where
    survivor.value is null
    or newest.value is null
    or survivor.value <> newest.value
