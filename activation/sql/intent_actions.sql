-- Replaces activation.intent_actions by those of as_of: the best action for each thing that a customer may say it wants.
-- The reason is the action's own, with the intent taken as certain, because it was heard.
delete from activation.intent_actions;

insert into activation.intent_actions (
    customer_id, kind, intent, intent_en, intent_de, action_id, channel, expected_net_value_eur, handover_to_human,
    ai_disclosure, reason_en, reason_de, data_as_of, policy_version, model_name, model_version, as_of_date, scored_at,
    executions_left
)
select
    f.customer_id, f.kind, f.intent, coalesce(i.name_en, m.name_en), coalesce(i.name_de, m.name_de), f.action_id,
    f.channel, f.expected_net_value_eur, a.is_human, a.ai_disclosure,
    activation.fill(
        a.reason_en, l.facts -> 'features', coalesce(i.name_en, m.name_en), 1, f.response_probability
    ),
    activation.fill(
        a.reason_de, l.facts -> 'features', coalesce(i.name_de, m.name_de), 1, f.response_probability
    ),
    f.data_as_of, f.policy_version, f.model_name, f.model_version, f.as_of_date, f.scored_at,
    f.executions_left
from scores.intent_actions f
join vocabulary.actions a using (action_id)
left join vocabulary.intents i on f.kind = 'behaviour' and i.intent_id = f.intent
left join vocabulary.message_intents m on f.kind = 'message' and m.intent_id = f.intent
left join decisions.standing_decisions l on l.customer_id = f.customer_id and l.as_of_date = f.as_of_date
where f.as_of_date = %(as_of)s;
