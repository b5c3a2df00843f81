-- A decision about somebody who has become one with another customer since is that customer's: the founder of the old
-- id says whose. Without the decisions about erased persons, which stay in the ledger under random ids: no outcome of
-- theirs is known.
with founders as (
    select
        {{ minted_id('key_kind', 'source_key') }} as founded_id,
        customer_id
    from {{ ref('customer_ids') }}
    where key_kind in ('loyalty', 'account', 'contact', 'card')
)

select
    decided.decision_id,
    founders.customer_id,
    decided.as_of_date,
    decided.arm,
    decided.action_id,
    decided.channel,
    decided.propensity,
    decided.expected_net_value_eur,
    decided.policy_version,
    decided.model_name,
    decided.model_version
from {{ ref('stg_decisions__decision_ledger') }} as decided
inner join founders on decided.customer_id = founders.founded_id
