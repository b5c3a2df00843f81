{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    indexes=indexes_on([], unique=['as_of_date', 'policy_id', 'reason', 'action_id'])
) }}

-- What rules kept from being done, and what that was expected to be worth. A rule costs only where it dropped the
-- action that would have been the best: the difference to the best one that was allowed.
with compared as (
    select
        *,
        max(expected_net_value_eur) over (partition by decision_id) as best_value_eur,
        max(case when is_eligible then expected_net_value_eur end) over (partition by decision_id)
            as best_allowed_value_eur
    from {{ ref('int_candidates_listed') }}
    {% if is_incremental() -%}
    where as_of_date >= {{ increment_since() }}
    {%- endif %}
),

judged as (
    select
        *,
        expected_net_value_eur = best_value_eur and expected_net_value_eur > best_allowed_value_eur as was_best
    from compared
    where not is_eligible
)

select
    as_of_date,
    policy_id,
    coalesce(reason, policy_id) as reason,
    action_id,
    cast(count(*) as integer) as customers,
    cast(sum(case when was_best then 1 else 0 end) as integer) as customers_whose_best_it_was,
    cast(
        coalesce(sum(case when was_best then expected_net_value_eur - best_allowed_value_eur end), 0) as {{ money() }}
    ) as expected_value_forgone_eur,
    cast(coalesce(sum(case when was_best then cost_eur end), 0) as {{ money() }}) as contact_cost_avoided_eur
from judged
group by as_of_date, policy_id, coalesce(reason, policy_id), action_id
