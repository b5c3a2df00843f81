select
    decision_id,
    as_of_date,
    action_id,
    is_eligible,
    policy_id,
    reason,
    expected_net_value_eur,
    cost_eur
from {{ ref('stg_decisions__candidates') }}
