-- Fails when: a value that an account or contact told neither survived nor stands among the conflicts, or does both.
-- Why: losers are kept; who asks why we write to an address must find the others too.
select
    told.customer_id,
    told.attribute,
    told.value_key
from {{ ref('int_person_versions_identified') }} as told
left join {{ ref('customer_attributes') }} as survivor
    on
        told.customer_id = survivor.customer_id
        and told.attribute = survivor.attribute
        and told.value_key = survivor.value_key
left join {{ ref('customer_conflicts') }} as lost
    on
        told.customer_id = lost.customer_id
        and told.attribute = lost.attribute
        and told.value_key = lost.value_key
where (survivor.customer_id is null) = (lost.customer_id is null)
