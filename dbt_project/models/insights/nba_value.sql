-- What deciding is worth: customers of the policy arm against those of the hold-out, who were drawn by hash and are
-- never contacted. By action they are compared where the same action was best for them, contacted or not: that depends
-- on what was known of them alone, so the comparison stays that of an experiment. A customer's week is one observation.
-- Every purchase, complaint and opt-out counts once, for the last decision before it.
with planned as (
    select
        decision_id,
        action_id as planned_action_id
    from (
        select
            decision_id,
            action_id,
            row_number() over (partition by decision_id order by expected_net_value_eur desc, action_id asc) as place
        from {{ ref('int_candidates_listed') }}
        where is_eligible
    ) as ranked
    where place = 1
),

-- What a machine, or leaving somebody alone, was expected to be worth less than a person who could have acted.
automated as (
    select
        candidates.decision_id,
        made.action_id,
        max(case when actions.is_human then candidates.expected_net_value_eur end)
        - max(case when candidates.action_id = made.action_id then candidates.expected_net_value_eur end) as lost_eur
    from {{ ref('int_candidates_listed') }} as candidates
    inner join {{ ref('outcomes') }} as made on candidates.decision_id = made.decision_id
    inner join {{ ref('actions') }} as actions on candidates.action_id = actions.action_id
    where candidates.is_eligible
    group by candidates.decision_id, made.action_id
),

decisions as (
    select
        made.decision_id,
        made.customer_id,
        made.as_of_date,
        cast({{ dbt.date_trunc('week', 'made.as_of_date') }} as date) as week_start_date,
        made.arm,
        made.action_id,
        planned.planned_action_id,
        least(
            made.observed_until_date,
            coalesce(
                lead(made.as_of_date) over (partition by made.customer_id order by made.as_of_date),
                made.observed_until_date
            )
        ) as counts_until_date
    from {{ ref('outcomes') }} as made
    inner join planned on made.decision_id = planned.decision_id
    where made.arm in ('policy', 'holdout')
),

happened as (
    select
        customer_id,
        sold_date as happened_date,
        'spend_eur' as outcome,
        spend_eur as quantity
    from {{ ref('customer_days') }}
    union all
    select
        customer_id,
        cast(changed_at as date) as happened_date,
        'opt_out' as outcome,
        1 as quantity
    from {{ ref('consents') }}
    where not is_granted
    union all
    select
        customer_id,
        sent_date as happened_date,
        'complaint' as outcome,
        1 as quantity
    from {{ ref('message_meanings') }}
    where is_complaint
),

earned as (
    select
        decisions.decision_id,
        sum(happened.quantity * worth.value_eur) as value_eur
    from decisions
    inner join happened
        on
            decisions.customer_id = happened.customer_id
            and decisions.as_of_date < happened.happened_date
            and decisions.counts_until_date >= happened.happened_date
    inner join {{ ref('outcome_values') }} as worth on happened.outcome = worth.outcome
    group by decisions.decision_id
),

valued as (
    select
        decisions.week_start_date,
        decisions.customer_id,
        decisions.arm,
        decisions.planned_action_id,
        best.owner,
        taken.cost_eur,
        case when decisions.action_id = 'no_action' then 0 else 1 end as contacts,
        case when automated.lost_eur > 0 and not taken.is_human then automated.lost_eur else 0 end as lost_eur,
        coalesce(earned.value_eur, 0) - taken.cost_eur as net_value_eur
    from decisions
    inner join {{ ref('actions') }} as best on decisions.planned_action_id = best.action_id
    inner join {{ ref('actions') }} as taken on decisions.action_id = taken.action_id
    left join earned on decisions.decision_id = earned.decision_id
    left join automated on decisions.decision_id = automated.decision_id
),

customer_weeks as (
    {% for scope, value in [('all', "'all'"), ('action', 'planned_action_id'), ('department', 'owner')] -%}
    select
        week_start_date,
        '{{ scope }}' as scope,
        {{ value }} as scope_value,
        arm,
        customer_id,
        count(*) as decisions,
        sum(cost_eur) as cost_eur,
        sum(contacts) as contacts,
        sum(lost_eur) as lost_eur,
        cast(sum(net_value_eur) as {{ type_double() }}) as net_value_eur
    from valued
    group by week_start_date, {% if scope != 'all' %}{{ value }}, {% endif %}arm, customer_id
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

arms as (
    select
        week_start_date,
        scope,
        scope_value,
        arm,
        count(*) as customers,
        sum(decisions) as decisions,
        sum(cost_eur) as cost_eur,
        sum(contacts) as contacts,
        sum(lost_eur) as lost_eur,
        avg(net_value_eur) as mean_value_eur,
        var_samp(net_value_eur) / count(*) as error_squared
    from customer_weeks
    group by week_start_date, scope, scope_value, arm
),

compared as (
    select
        week_start_date,
        scope,
        scope_value,
        coalesce(max(case when arm = 'policy' then customers end), 0) as policy_customers,
        coalesce(max(case when arm = 'holdout' then customers end), 0) as holdout_customers,
        sum(decisions) as decisions,
        coalesce(max(case when arm = 'policy' then cost_eur end), 0) as contact_cost_eur,
        coalesce(max(case when arm = 'policy' then contacts end), 0) as contacts,
        coalesce(max(case when arm = 'policy' then lost_eur end), 0) as automation_loss_eur,
        max(case when arm = 'policy' then mean_value_eur end) as policy_value_eur,
        max(case when arm = 'holdout' then mean_value_eur end) as holdout_value_eur,
        max(case when arm = 'policy' then mean_value_eur end) - max(case when arm = 'holdout' then mean_value_eur end)
            as net_value_eur,
        sqrt(
            max(case when arm = 'policy' then error_squared end)
            + max(case when arm = 'holdout' then error_squared end)
        ) as standard_error
    from arms
    group by week_start_date, scope, scope_value
)

select
    week_start_date,
    scope,
    scope_value,
    cast(policy_customers as integer) as policy_customers,
    cast(holdout_customers as integer) as holdout_customers,
    cast(decisions as integer) as decisions,
    cast(contacts as integer) as contacts,
    cast(contact_cost_eur as {{ money() }}) as contact_cost_eur,
    cast(contact_cost_eur / nullif(contacts, 0) as {{ money() }}) as cost_per_contact_eur,
    cast(automation_loss_eur as {{ money() }}) as automation_loss_eur,
    cast(policy_value_eur as {{ type_double() }}) as policy_value_eur,
    cast(holdout_value_eur as {{ type_double() }}) as holdout_value_eur,
    cast(net_value_eur as {{ type_double() }}) as net_value_eur,
    cast(net_value_eur - 1.96 * standard_error as {{ type_double() }}) as net_value_low_eur,
    cast(net_value_eur + 1.96 * standard_error as {{ type_double() }}) as net_value_high_eur
from compared
