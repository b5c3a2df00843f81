{{ config(indexes=indexes_on([['customer_id']])) }}

with told as (
    select
        customer_id,
        attribute,
        count(distinct value_key) as values_told
    from {{ ref('int_person_versions_identified') }}
    group by customer_id, attribute
)

select
    believed.customer_id,
    believed.attribute,
    believed.value,
    believed.value_key,
    believed.is_verified,
    believed.chosen_by,
    believed.department,
    believed.entity,
    believed.source_key,
    believed.batch_id,
    believed.source_row,
    believed.told_at,
    believed.known_date,
    cast(believed.records as integer) as records,
    cast(told.values_told as integer) as values_told,
    believed.is_in_conflict,
    believed.believed_date as last_known_date
from {{ ref('int_attributes_believed') }} as believed
inner join told
    on
        believed.customer_id = told.customer_id
        and believed.attribute = told.attribute
where
    believed.is_newest
    and believed.value is not null
