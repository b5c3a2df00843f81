-- Fails when: a surviving value is not what the row of the batch it names told for a record of the customer.
-- Why: a golden record chooses; what nobody told must not appear in it.
select
    survivor.customer_id,
    survivor.attribute
from {{ ref('customer_attributes') }} as survivor
left join {{ ref('int_person_versions_identified') }} as told
    on
        survivor.customer_id = told.customer_id
        and survivor.attribute = told.attribute
        and survivor.source_key = told.source_key
        and survivor.batch_id = told.batch_id
        and survivor.source_row = told.source_row
        and survivor.value = told.value
where told.customer_id is null
