{{ config(pre_hook="{{ give_memory() }}", indexes=indexes_on([], unique=['customer_id', 'rank'])) }}

-- Not everything: what matters today, at most 15 facts a customer, the most important first (vocabulary.card_facts says
-- what is important, how many of it and for how long). Each with its day, its age and the department that knows it.
with open_cases as (
    select
        customer_id,
        'open_case' as fact,
        coalesce(category, 'no category') || ', ' || status as value,
        opened_date as fact_date,
        'service' as department,
        ticket_id as reference
    from {{ ref('cases') }}
    where
        is_open
        and customer_id is not null
),

promises as (
    select
        customer_id,
        'promise' as fact,
        case when {{ shop_day('promised_until') }} < {{ as_of() }} then 'answer overdue' else 'answer' end as value,
        {{ shop_day('promised_until') }} as fact_date,
        'service' as department,
        ticket_id as reference
    from {{ ref('cases') }}
    where
        is_open
        and customer_id is not null
        and promised_until is not null
    union all
    select
        customer_id,
        'promise' as fact,
        case when promised_date < {{ as_of() }} then 'delivery overdue' else 'delivery' end as value,
        promised_date as fact_date,
        'shop' as department,
        order_id as reference
    from {{ ref('orders') }}
    where
        status in ('placed', 'paid', 'shipped')
        and not is_removed
        and promised_date is not null
),

running_orders as (
    select
        customer_id,
        'running_order' as fact,
        status as value,
        ordered_date as fact_date,
        'shop' as department,
        order_id as reference
    from {{ ref('orders') }}
    where
        status in ('placed', 'paid', 'payment_failed', 'shipped')
        and not is_removed
),

device_errors as (
    select
        customer_id,
        'device_error' as fact,
        error_code as value,
        measured_date as fact_date,
        'devices' as department,
        cast(null as {{ dbt.type_string() }}) as reference
    from {{ ref('device_days') }}
    where error_code is not null
),

moods as (
    select
        customer_id,
        'mood' as fact,
        survey || ': ' || cast(score as {{ dbt.type_string() }}) as value,
        answered_date as fact_date,
        'feedback' as department,
        answer_id as reference
    from {{ ref('survey_answers') }}
    where score is not null
),

open_journeys as (
    select
        customer_id,
        'open_journey' as fact,
        need || ', ' || furthest_phase || ', ' || cast(activities as {{ dbt.type_string() }}) || ' steps' as value,
        last_activity_date as fact_date,
        'all' as department,
        journey_id as reference
    from {{ ref('journeys') }}
    where status = 'open'
),

withdrawn as (
    select
        customer_id,
        'consent_withdrawn' as fact,
        {{ dbt.listagg("purpose || ' by ' || channel", "', '", "order by purpose, channel") }} as value,
        max(changed_date) as fact_date,
        'consent' as department,
        cast(null as {{ dbt.type_string() }}) as reference
    from {{ ref('consents') }}
    where not is_granted
    group by customer_id
),

asked as (
    select distinct
        purpose,
        channel
    from {{ ref('consents') }}
),

pending as (
    select
        customers.customer_id,
        'consent_pending' as fact,
        {{ dbt.listagg("asked.purpose || ' by ' || asked.channel", "', '", "order by asked.purpose, asked.channel") }}
            as value,
        max(customers.first_known_date) as fact_date,
        'consent' as department,
        cast(null as {{ dbt.type_string() }}) as reference
    from {{ ref('customers') }} as customers
    cross join asked
    left join {{ ref('consents') }} as told
        on
            customers.customer_id = told.customer_id
            and asked.purpose = told.purpose
            and asked.channel = told.channel
    where told.customer_id is null
    group by customers.customer_id
),

pressures as (
    select
        customer_id,
        'contact_pressure' as fact,
        channel || ': ' || cast(contacts_7d as {{ dbt.type_string() }}) || ' in 7 days, '
        || cast(contacts_28d as {{ dbt.type_string() }}) || ' in 28 days' as value,
        as_of_date as fact_date,
        'all' as department,
        channel as reference
    from {{ ref('contact_pressure') }}
    where contacts_28d > 0
),

birthdays as (
    select
        customer_id,
        {{ next_birthday('birth_date', as_of()) }} as birthday
    from {{ ref('customers') }}
    where birth_date is not null
),

next_dates as (
    select
        customer_id,
        'next_date' as fact,
        'birthday' as value,
        birthday as fact_date,
        'crm' as department,
        cast(null as {{ dbt.type_string() }}) as reference
    from birthdays
),

last_returns as (
    select
        customer_id,
        'last_return' as fact,
        cast(cast(amount_eur as numeric(14, 2)) as {{ dbt.type_string() }}) || ' EUR' as value,
        returned_date as fact_date,
        department,
        return_id as reference
    from {{ ref('returns') }}
),

lifecycles as (
    select
        customer_id,
        'lifecycle' as fact,
        lifecycle_stage as value,
        coalesce(last_purchase_date, first_known_date) as fact_date,
        'all' as department,
        cast(null as {{ dbt.type_string() }}) as reference
    from {{ ref('customers') }}
),

last_purchases as (
    select
        customer_id,
        'last_purchase' as fact,
        cast(cast(spend_eur as numeric(14, 2)) as {{ dbt.type_string() }}) || ' EUR' as value,
        sold_date as fact_date,
        case when store_id = 'online' then 'shop' else 'till' end as department,
        basket_id as reference
    from {{ ref('baskets') }}
),

facts as (
    {% for facts in [
        'open_cases', 'promises', 'running_orders', 'device_errors', 'moods', 'open_journeys', 'withdrawn', 'pending',
        'pressures', 'next_dates', 'last_returns', 'lifecycles', 'last_purchases'
    ] -%}
    select
        customer_id,
        fact,
        value,
        fact_date,
        department,
        reference
    from {{ facts }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- A promise and an important day: the next or most overdue first. All others: the newest first.
counted as (
    select
        facts.*,
        kinds.importance,
        kinds.most,
        row_number() over (
            partition by facts.customer_id, facts.fact
            order by
                case when facts.fact in ('promise', 'next_date') then facts.fact_date end asc,
                facts.fact_date desc,
                facts.reference asc,
                facts.value asc
        ) as number
    from facts
    inner join {{ ref('card_facts') }} as kinds on facts.fact = kinds.fact
    where
        kinds.within_days is null
        or (
            {{ days_between('facts.fact_date', as_of()) }} < kinds.within_days
            and {{ days_between(as_of(), 'facts.fact_date') }} <= kinds.within_days
        )
),

ranked as (
    select
        *,
        row_number() over (partition by customer_id order by importance, number) as rank
    from counted
    where number <= most
),

delivered as (
    select
        department,
        max(delivered_date) as data_as_of
    from {{ ref('department_deliveries') }}
    group by department
)

select
    ranked.customer_id,
    {{ as_of() }} as as_of_date,
    cast(ranked.rank as integer) as rank,
    ranked.fact,
    ranked.value,
    ranked.fact_date,
    cast({{ days_between('ranked.fact_date', as_of()) }} as integer) as age_days,
    ranked.department,
    cast({{ days_between('delivered.data_as_of', as_of()) }} as integer) as data_age_days,
    ranked.reference
from ranked
left join delivered on ranked.department = delivered.department
where ranked.rank <= 15
