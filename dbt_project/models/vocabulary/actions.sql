-- Of the versions of an action the newest that is valid on as_of.
with versions as (
    select
        *,
        row_number() over (partition by action_id order by valid_from desc) as newness,
        min(valid_from) over (partition by action_id) as offered_since
    from {{ ref('action_versions') }}
    where valid_from <= {{ as_of() }}
)

select
    action_id,
    channel,
    kind,
    campaign_type,
    cost_eur,
    response_value_eur,
    lever,
    response_basis,
    assumed_response,
    serves_intent,
    purpose,
    needs_departments,
    is_human,
    ai_disclosure,
    name_en,
    name_de,
    reason_en,
    reason_de,
    owner,
    valid_from,
    offered_since
from versions
where newness = 1
