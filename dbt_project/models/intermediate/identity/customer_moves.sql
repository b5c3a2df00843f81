{{ config(materialized='table') }}

-- Whose past changed, and when: records that went over to another customer, and visits before a login that are nobody's
-- any more since their device is known to be shared.
select
    customer_id,
    moved_date
from {{ ref('stg_identity__moved_customers') }}
union
select
    ids.customer_id,
    shared.shared_date as moved_date
from {{ ref('int_shared_devices_listed') }} as shared
inner join {{ ref('customer_ids') }} as ids
    on
        shared.visitor_id = ids.source_key
        and ids.key_kind = case shared.department when 'web' then 'visitor' else 'install' end
where shared.shared_date <= {{ as_of() }}
