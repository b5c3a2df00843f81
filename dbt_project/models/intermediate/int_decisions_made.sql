-- Without the decisions about erased persons, which stay in the ledger under random ids: no outcome of theirs is known.
select decided.*
from {{ ref('stg_decisions__decision_ledger') }} as decided
where exists (
    select 1
    from {{ ref('customer_ids') }} as minted
    where minted.customer_id = decided.customer_id
)
