{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='customer_id',
    post_hook="{{ forget_who_told_nothing() }}",
    indexes=indexes_on([['customer_id'], ['last_known_date']])
) }}

with told as (
    select
        customer_id,
        attribute,
        count(distinct value_key) as values_told
    from {{ ref('int_person_versions_identified') }}
    {% if is_incremental() -%}
    where customer_id in ({{ whose_beliefs_changed('last_known_date') }})
    {%- endif %}
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
    {% if is_incremental() -%}
    and believed.customer_id in ({{ whose_beliefs_changed('last_known_date') }})
    {%- endif %}
