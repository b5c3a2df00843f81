-- Fails when: a label looks past as_of, or a date whose whole horizon has passed lacks a label of a customer.
-- Why: the first would teach a model from weeks that have not happened; the second would quietly bias its sample.
select
    'looks past as_of' as problem,
    customer_id,
    as_of_date,
    intent
from {{ ref('intent_labels') }}
where {{ days_after('as_of_date', 'horizon_days') }} > {{ as_of() }}
union all
select
    'is missing' as problem,
    features.customer_id,
    features.as_of_date,
    intents.intent_id as intent
from {{ ref('customer_features') }} as features
inner join {{ ref('intents') }} as intents
    on {{ days_after('features.as_of_date', 'intents.horizon_days') }} <= {{ as_of() }}
left join {{ ref('intent_labels') }} as labels
    on
        features.customer_id = labels.customer_id
        and features.as_of_date = labels.as_of_date
        and intents.intent_id = labels.intent
where labels.customer_id is null
