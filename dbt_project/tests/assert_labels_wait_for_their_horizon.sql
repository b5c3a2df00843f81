-- Fails when: a label looks past as_of, or a date whose whole horizon has passed has not as many labels of an intent as
-- it has customers.
-- Why: the first would teach a model from weeks that have not happened; the second would quietly bias its sample.
-- Counts do, because a customer has one label of an intent (its grain): looking for each took 42 s at 100,000 people.
with dates as (
    select
        as_of_date,
        count(*) as customers
    from {{ ref('customer_features') }}
    group by as_of_date
),

labels as (
    select
        as_of_date,
        intent,
        horizon_days,
        count(*) as labels
    from {{ ref('intent_labels') }}
    group by as_of_date, intent, horizon_days
)

select
    'looks past as_of' as problem,
    as_of_date,
    intent
from labels
where {{ days_after('as_of_date', 'horizon_days') }} > {{ as_of() }}
union all
select
    'some are missing, or too many' as problem,
    dates.as_of_date,
    intents.intent_id as intent
from dates
inner join {{ ref('intents') }} as intents
    on {{ days_after('dates.as_of_date', 'intents.horizon_days') }} <= {{ as_of() }}
left join labels
    on
        dates.as_of_date = labels.as_of_date
        and intents.intent_id = labels.intent
where dates.customers <> coalesce(labels.labels, 0)
