-- Fails when: a customer known by as_of has no features of as_of.
-- Why: who has no features gets no score and no decision, and nobody would miss it.
select customers.customer_id
from {{ ref('customers') }} as customers
left join {{ ref('customer_features') }} as features
    on
        customers.customer_id = features.customer_id
        and features.as_of_date = {{ as_of() }}
where features.customer_id is null
