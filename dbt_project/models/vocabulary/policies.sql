-- Of the versions of a policy the newest that is valid on as_of, unless it has ended by then.
with versions as (
    select
        *,
        row_number() over (partition by policy_id order by valid_from desc) as newness
    from {{ ref('policy_versions') }}
    where valid_from <= {{ as_of() }}
)

select
    policy_id,
    rule,
    action_id,
    parameter,
    threshold,
    reason_en,
    reason_de,
    owner,
    valid_from,
    valid_until
from versions
where newness = 1 and coalesce(valid_until > {{ as_of() }}, true)
