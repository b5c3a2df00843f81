{{ config(indexes=indexes_on([['as_of_date']], unique=['decision_id'])) }}

-- What was seen after a decision, not what the decision caused: actions are not compared with their absence here.
-- The window is (as_of_date, as_of_date + 28], as far as it has been observed.
with decisions as (
    select
        *,
        least({{ days_after('as_of_date', 28) }}, {{ as_of() }}) as observed_until_date
    from {{ ref('int_decisions_made') }}
    where as_of_date < {{ as_of() }}
),

purchases as (
    select
        decisions.decision_id,
        sum(days.purchase_days) as purchase_days,
        sum(days.baskets) as baskets,
        sum(days.spend_eur) as spend_eur
    from decisions
    inner join {{ ref('customer_days') }} as days
        on
            decisions.customer_id = days.customer_id
            and decisions.as_of_date < days.sold_date
            and decisions.observed_until_date >= days.sold_date
    group by decisions.decision_id
),

redeemed as (
    select
        decisions.decision_id,
        count(*) as redemptions
    from decisions
    inner join {{ ref('coupon_redemptions') }} as redemptions
        on
            decisions.customer_id = redemptions.customer_id
            and decisions.as_of_date < redemptions.redeemed_date
            and decisions.observed_until_date >= redemptions.redeemed_date
    group by decisions.decision_id
)

select
    decisions.decision_id,
    decisions.customer_id,
    decisions.as_of_date,
    decisions.arm,
    decisions.action_id,
    decisions.channel,
    decisions.propensity,
    decisions.expected_net_value_eur,
    decisions.policy_version,
    decisions.model_name,
    decisions.model_version,
    decisions.observed_until_date,
    cast({{ days_between('decisions.as_of_date', 'decisions.observed_until_date') }} as integer) as observed_days,
    {{ days_between('decisions.as_of_date', 'decisions.observed_until_date') }} = 28 as is_complete,
    cast(coalesce(purchases.purchase_days, 0) as integer) as purchase_days,
    cast(coalesce(purchases.baskets, 0) as integer) as baskets,
    cast(coalesce(purchases.spend_eur, 0) as {{ money() }}) as spend_eur,
    cast(coalesce(redeemed.redemptions, 0) as integer) as redemptions
from decisions
left join purchases on decisions.decision_id = purchases.decision_id
left join redeemed on decisions.decision_id = redeemed.decision_id
