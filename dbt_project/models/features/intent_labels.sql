{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook=["{{ give_memory() }}", "{{ clear_unlabelled() }}"],
    indexes=indexes_on([], unique=['as_of_date', 'customer_id', 'intent'])
) }}

-- What the customer did in (as_of_date, as_of_date + horizon_days], measured with all we know today. Which measure is
-- compared with what is data: vocabulary.intents. A date is labelled only when its whole horizon has passed.
with horizons as (
    select distinct horizon_days
    from {{ ref('intents') }}
),

customers as (
    select
        features.customer_id,
        features.as_of_date,
        horizons.horizon_days
    from {{ ref('customer_features') }} as features
    inner join horizons on {{ days_after('features.as_of_date', 'horizons.horizon_days') }} <= {{ as_of() }}
    {% if is_incremental() -%}
    where
        {{ is_to_label('features.as_of_date', 'horizons.horizon_days', 'features.customer_id') }}
        {{ or_moved('features.customer_id') }}
    {%- endif %}
),

purchases as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.horizon_days,
        sum(case when days.sold_date > customers.as_of_date then days.purchase_days else 0 end) as purchase_days,
        sum(case when days.sold_date > customers.as_of_date then days.spend_eur else 0 end) as spend_eur,
        sum(case when days.sold_date <= customers.as_of_date then days.spend_eur else 0 end) as spend_eur_before
    from customers
    inner join {{ ref('customer_days') }} as days
        on
            customers.customer_id = days.customer_id
            and days.sold_date > {{ days_after('customers.as_of_date', '-customers.horizon_days') }}
            and days.sold_date <= {{ days_after('customers.as_of_date', 'customers.horizon_days') }}
    group by customers.customer_id, customers.as_of_date, customers.horizon_days
),

redemptions as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.horizon_days,
        count(*) as redemptions
    from customers
    inner join {{ ref('coupon_redemptions') }} as redeemed
        on
            customers.customer_id = redeemed.customer_id
            and customers.as_of_date < redeemed.redeemed_date
            and redeemed.redeemed_date <= {{ days_after('customers.as_of_date', 'customers.horizon_days') }}
    group by customers.customer_id, customers.as_of_date, customers.horizon_days
),

department_days as (
    select distinct
        customer_id,
        department,
        sold_date
    from {{ ref('customer_department_days') }}
    where
        department <> 'unknown'
        {% if is_incremental() -%}
        and (
            sold_date > (
                select {{ days_after(increment_since(), '-84 - max(horizon_days)') }}
                from horizons
            )
            or customer_id in ({{ customers_with_new_facts() }})
            {{ or_moved() }}
        )
        {%- endif %}
),

department_gaps as (
    select
        customer_id,
        sold_date,
        lag(sold_date) over (partition by customer_id, department order by sold_date) as previous_sold_date
    from department_days
),

-- Only a day after a gap of more than 84 days can be the first in a department for one of the dates before it.
department_starts as (
    select
        customer_id,
        sold_date,
        coalesce(previous_sold_date, cast('1900-01-01' as date)) as previous_sold_date
    from department_gaps
    where
        previous_sold_date is null
        or {{ days_between('previous_sold_date', 'sold_date') }} > 84
),

new_departments as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.horizon_days,
        count(*) as new_departments
    from customers
    inner join department_starts as starts
        on
            customers.customer_id = starts.customer_id
            and customers.as_of_date < starts.sold_date
            and starts.sold_date <= {{ days_after('customers.as_of_date', 'customers.horizon_days') }}
            and starts.previous_sold_date <= {{ days_after('customers.as_of_date', -84) }}
    group by customers.customer_id, customers.as_of_date, customers.horizon_days
),

tickets as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.horizon_days,
        count(*) as tickets
    from customers
    inner join {{ ref('cases') }} as cases
        on
            customers.customer_id = cases.customer_id
            and customers.as_of_date < cases.opened_date
            and cases.opened_date <= {{ days_after('customers.as_of_date', 'customers.horizon_days') }}
    group by customers.customer_id, customers.as_of_date, customers.horizon_days
),

returns as (
    select
        customers.customer_id,
        customers.as_of_date,
        customers.horizon_days,
        count(*) as returns
    from customers
    inner join {{ ref('returns') }} as returned
        on
            customers.customer_id = returned.customer_id
            and customers.as_of_date < returned.returned_date
            and returned.returned_date <= {{ days_after('customers.as_of_date', 'customers.horizon_days') }}
    group by customers.customer_id, customers.as_of_date, customers.horizon_days
),

measured as (
    select
        customers.customer_id,
        customers.as_of_date,
        intents.intent_id as intent,
        intents.comparison,
        cast(intents.threshold as {{ type_double() }}) as threshold,
        customers.horizon_days,
        case intents.measure
            when 'purchase_days' then coalesce(cast(purchases.purchase_days as {{ type_double() }}), 0)
            when 'spend_eur' then coalesce(cast(purchases.spend_eur as {{ type_double() }}), 0)
            when 'spend_ratio' then {{ ratio('purchases.spend_eur', 'purchases.spend_eur_before') }}
            when 'redemptions' then coalesce(cast(redemptions.redemptions as {{ type_double() }}), 0)
            when 'tickets' then coalesce(cast(tickets.tickets as {{ type_double() }}), 0)
            when 'returns' then coalesce(cast(returns.returns as {{ type_double() }}), 0)
            when 'new_departments' then coalesce(cast(new_departments.new_departments as {{ type_double() }}), 0)
        end as measured
    from customers
    inner join {{ ref('intents') }} as intents on customers.horizon_days = intents.horizon_days
    left join purchases
        on
            customers.customer_id = purchases.customer_id
            and customers.as_of_date = purchases.as_of_date
            and customers.horizon_days = purchases.horizon_days
    left join redemptions
        on
            customers.customer_id = redemptions.customer_id
            and customers.as_of_date = redemptions.as_of_date
            and customers.horizon_days = redemptions.horizon_days
    left join new_departments
        on
            customers.customer_id = new_departments.customer_id
            and customers.as_of_date = new_departments.as_of_date
            and customers.horizon_days = new_departments.horizon_days
    left join tickets
        on
            customers.customer_id = tickets.customer_id
            and customers.as_of_date = tickets.as_of_date
            and customers.horizon_days = tickets.horizon_days
    left join returns
        on
            customers.customer_id = returns.customer_id
            and customers.as_of_date = returns.as_of_date
            and customers.horizon_days = returns.horizon_days
)

-- No ratio without a previous spend: such a customer did not trade up.
select
    customer_id,
    as_of_date,
    intent,
    case
        when comparison = '=' and measured = threshold then 1
        when comparison = '<' and measured < threshold then 1
        when comparison = '<=' and measured <= threshold then 1
        when comparison = '>' and measured > threshold then 1
        when comparison = '>=' and measured >= threshold then 1
        else 0
    end as label,
    cast(horizon_days as integer) as horizon_days
from measured
