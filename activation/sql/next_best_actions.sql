-- Replaces activation.next_best_actions by the decisions of as_of: rank 1 is what was chosen, ranks 2 and 3 are the
-- next by expected net value among what was eligible. The intent is the one that the action serves; an action that
-- serves none stands beside the customer's top intent.
-- The hold-out has rank 1 only: it must not be contacted, so nothing else is offered to an agent.
-- What was drawn by chance is told as such: the reason of an action is true only where it was expected to be worth most.
delete from activation.next_best_actions;

with candidates as (
    select
        l.arm, l.action_id as chosen_action_id, l.decision_id, l.customer_id, l.as_of_date, l.valid_from, l.valid_until, l.data_as_of, l.policy_version,
        l.model_name, l.model_version, l.scored_at, l.facts,
        c.action_id, c.channel, c.expected_net_value_eur, c.response_probability, c.intent, c.intent_probability,
        row_number() over (
            partition by l.decision_id
            order by c.action_id = l.action_id desc, c.expected_net_value_eur desc, c.action_id
        ) as rank,
        max(c.expected_net_value_eur) filter (where c.is_eligible) over (partition by l.decision_id) as best_value_eur
    from decisions.standing_decisions l
    cross join lateral jsonb_to_recordset(l.candidates) c(
        action_id text, channel text, is_eligible boolean, expected_net_value_eur numeric,
        response_probability double precision, intent text, intent_probability double precision
    )
    where l.as_of_date = %(as_of)s
        and (c.is_eligible and l.arm <> 'holdout' or c.action_id = l.action_id)
),

choices (choice, note_en, note_de) as (
    values
        ('holdout', 'This customer is in the group that gets no action, which shows what actions are worth.',
            'Diese Person gehört zur Gruppe ohne Aktionen, an der wir messen, was Aktionen wert sind.'),
        ('explored', 'Drawn by chance, to learn from it: another action was expected to be worth more.',
            'Zufällig gewählt, um daraus zu lernen: Eine andere Aktion wäre voraussichtlich mehr wert.')
),

described as (
    select
        c.*,
        case
            when c.action_id <> c.chosen_action_id then 'listed'
            when c.arm = 'mandatory' then 'best'
            when c.arm = 'holdout' then 'holdout'
            when c.expected_net_value_eur < c.best_value_eur then 'explored'
            else 'best'
        end as choice,
        coalesce(c.intent, t.intent) as told_intent,
        coalesce(c.intent_probability, t.probability) as told_probability,
        a.is_human, a.ai_disclosure, a.reason_en, a.reason_de,
        coalesce(i.name_en, '') as intent_en,
        coalesce(i.name_de, '') as intent_de
    from candidates c
    join vocabulary.actions a using (action_id)
    left join scores.intent_scores t
        on t.customer_id = c.customer_id and t.as_of_date = c.as_of_date and t.is_top
    left join vocabulary.intents i on i.intent_id = coalesce(c.intent, t.intent)
    where c.rank <= 3
)

insert into activation.next_best_actions (
    customer_id, rank, action_id, channel, expected_net_value_eur, intent, intent_probability, handover_to_human,
    ai_disclosure, reason_en, reason_de, decision_id, valid_from, valid_until, data_as_of, policy_version,
    model_name, model_version, as_of_date, scored_at, quiet_hours
)
select
    customer_id, rank, action_id, channel, expected_net_value_eur, told_intent, told_probability, is_human,
    ai_disclosure,
    coalesce(
        note_en, activation.fill(reason_en, facts -> 'features', intent_en, told_probability, response_probability)
    ),
    coalesce(
        note_de, activation.fill(reason_de, facts -> 'features', intent_de, told_probability, response_probability)
    ),
    decision_id, valid_from, valid_until, data_as_of, policy_version, model_name, model_version, as_of_date, scored_at,
    quiet.hours
from described
left join choices using (choice)
left join (
    select channel, activation.quiet_hours_of(channel, %(as_of)s) as hours
    from (select distinct channel from vocabulary.actions) as channels
) as quiet using (channel);
