-- A week of a department: did it deliver, was it right, what passed through it, and which decisions did its data cost.
with days as (
    select
        *,
        cast({{ dbt.date_trunc('week', 'as_of_date') }} as date) as week_start_date
    from {{ ref('int_department_days_rated') }}
),

delivered as (
    select
        department,
        week_start_date,
        count(*) as checked_days,
        sum(case when status = 'fresh' then 1 else 0 end) as fresh_days,
        sum(case when status = 'late' then 1 else 0 end) as late_days,
        sum(case when status in ('stale', 'held') then 1 else 0 end) as unusable_days,
        avg(score) as mean_score,
        avg(validity) as validity,
        max(rows_at_stake) as most_rows_at_stake,
        max(money_at_stake_eur) as most_money_at_stake_eur
    from days
    group by department, week_start_date
),

done as (
    select
        department,
        cast({{ dbt.date_trunc('week', 'activity_date') }} as date) as week_start_date,
        count(*) as activities,
        count(distinct customer_id) as customers,
        sum(cost_eur) as contact_cost_eur
    from {{ ref('customer_activities') }}
    group by department, cast({{ dbt.date_trunc('week', 'activity_date') }} as date)
),

-- The reason names the department whose data were unusable: "data of crm is stale".
blocked as (
    select
        days.department,
        days.week_start_date,
        sum(blocked.customers_whose_best_it_was) as decisions_blocked,
        sum(blocked.expected_value_forgone_eur) as expected_value_forgone_eur
    from days
    inner join {{ ref('blocked_actions') }} as blocked
        on
            days.as_of_date = blocked.as_of_date
            and blocked.reason like 'data of ' || days.department || ' is %'
    group by days.department, days.week_start_date
)

select
    delivered.department,
    delivered.week_start_date,
    delivered.week_start_date <= {{ days_after(as_of(), -6) }} as is_complete,
    cast(delivered.checked_days as integer) as checked_days,
    cast(delivered.fresh_days as integer) as fresh_days,
    cast(delivered.late_days as integer) as late_days,
    cast(delivered.unusable_days as integer) as unusable_days,
    cast(delivered.mean_score as {{ type_double() }}) as mean_score,
    cast(
        delivered.mean_score
        - lag(delivered.mean_score) over (partition by delivered.department order by delivered.week_start_date)
        as {{ type_double() }}
    ) as score_trend,
    cast(delivered.validity as {{ type_double() }}) as validity,
    cast(delivered.most_rows_at_stake as integer) as most_rows_at_stake,
    cast(delivered.most_money_at_stake_eur as {{ money() }}) as most_money_at_stake_eur,
    cast(coalesce(done.activities, 0) as integer) as activities,
    cast(coalesce(done.customers, 0) as integer) as customers,
    cast(coalesce(done.contact_cost_eur, 0) as {{ money() }}) as contact_cost_eur,
    cast(coalesce(blocked.decisions_blocked, 0) as integer) as decisions_blocked,
    cast(coalesce(blocked.expected_value_forgone_eur, 0) as {{ money() }}) as expected_value_forgone_eur
from delivered
left join done
    on
        delivered.department = done.department
        and delivered.week_start_date = done.week_start_date
left join blocked
    on
        delivered.department = blocked.department
        and delivered.week_start_date = blocked.week_start_date
