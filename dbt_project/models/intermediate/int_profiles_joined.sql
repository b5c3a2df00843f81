select
    customers.customer_id,
    versions.*
from {{ ref('int_profile_versions') }} as versions
inner join {{ ref('customer_ids') }} as customers
    on
        versions.loyalty_number = customers.source_key
        and customers.key_kind = 'loyalty'
