{{ config(materialized='view') }}

with candidates as (
    {{ candidates_of(source('decisions', 'decision_ledger')) }}
)

select
    candidates.decision_id,
    candidates.as_of_date,
    candidates.action_id,
    candidates.is_eligible,
    candidates.dropped_by as policy_id,
    candidates.dropped_reason as reason,
    cast(candidates.expected_net_value_eur as {{ money() }}) as expected_net_value_eur,
    cast(candidates.cost_eur as {{ money() }}) as cost_eur
from candidates
where
    candidates.as_of_date <= {{ as_of() }}
    and not exists (
        select 1 from {{ source('decisions', 'withdrawn_decisions') }} as withdrawn
        where candidates.decision_id = withdrawn.decision_id
    )
