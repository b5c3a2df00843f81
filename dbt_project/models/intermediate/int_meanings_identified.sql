-- Whose message it is stands with the message, not with what a model read in it: people are told apart anew every day.
with meanings as (
    select
        scored.message_id,
        max(case when scored.is_top then scored.intent_id end) as intent_id,
        max(case when scored.is_top then scored.probability end) as probability,
        max(case when scored.is_named and intents.is_complaint then 1 else 0 end) as complains,
        max(case when scored.abstained then 1 else 0 end) as hands_over,
        max(case when scored.is_in_scope then 1 else 0 end) as fits,
        max(scored.sentiment) as sentiment,
        max(scored.urgency) as urgency,
        max(scored.language) as language,
        max(scored.model_version) as model_version,
        max(scored.known_date) as known_date
    from {{ ref('stg_scores__message_intents') }} as scored
    left join {{ ref('message_intents') }} as intents on scored.intent_id = intents.intent_id
    group by scored.message_id
),

written as (
    select
        message_id,
        ticket_id,
        customer_id,
        channel,
        sent_at,
        sent_date,
        known_date
    from {{ ref('int_messages_identified') }}
    where direction = 'in'
    union all
    select
        answer_id as message_id,
        cast(null as {{ dbt.type_string() }}) as ticket_id,
        customer_id,
        'survey' as channel,
        answered_at as sent_at,
        answered_date as sent_date,
        known_date
    from {{ ref('int_answers_identified') }}
)

select
    written.message_id,
    written.ticket_id,
    written.customer_id,
    written.channel,
    written.sent_at,
    written.sent_date,
    meanings.intent_id,
    intents.topic,
    meanings.probability,
    meanings.complains = 1 as is_complaint,
    meanings.fits = 1 as is_in_scope,
    meanings.hands_over = 1 as abstained,
    meanings.sentiment,
    meanings.urgency,
    meanings.language,
    meanings.model_version,
    greatest(written.known_date, meanings.known_date) as known_date
from written
inner join meanings on written.message_id = meanings.message_id
left join {{ ref('message_intents') }} as intents on meanings.intent_id = intents.intent_id
