{{ config(tags=['mine_journeys']) }}

select
    as_of_date,
    arm,
    action_id,
    cast(count(*) as integer) as decisions,
    cast(sum(case when is_complete then 1 else 0 end) as integer) as complete_decisions,
    cast(round(avg(cast(propensity as numeric(18, 12))), 6) as {{ type_double() }}) as mean_propensity,
    cast(sum(expected_net_value_eur) as {{ money() }}) as expected_net_value_eur,
    cast(max(observed_days) as integer) as observed_days,
    {{ ratio('sum(case when purchase_days > 0 then 1 else 0 end)', 'count(*)') }} as bought_share,
    {{ ratio('sum(case when redemptions > 0 then 1 else 0 end)', 'count(*)') }} as redeemed_share,
    cast(sum(spend_eur) as {{ money() }}) as spend_eur
from {{ ref('outcomes') }}
group by as_of_date, arm, action_id
