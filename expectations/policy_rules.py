"""The audit of a day's decisions: every rule of the vocabulary is evaluated again, from the marts, without the chooser.

Not only what was chosen counts, but every action that could have been drawn (propensity above 0). A fact that is not
known breaks a minimum: what is not known of a customer is no ground to contact them.
"""

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

from expectations.limit_rules import CAPACITIES, CONTACTS, COOL_DOWNS, OBLIGATIONS, RAMPS
from expectations.rules import Subject

EVALUATED = [
    *("contact_limit", "data_stale", "consent_required", "consent_not_required", "unanswered_complaint"),
    *("cool_down", "minimum_intent_probability", "minimum_feature"),
]

POSSIBLE = """
    select c.customer_id, a.*
    from ({candidates}) c
    join vocabulary.actions a using (action_id)
    where c.propensity > 0 and c.action_id <> 'no_action'
"""
# Customer relations knows a third of the customers; till and marketing say of everybody what happened or did not.
STALE = """
    select needed.department || ' is ' || coalesce(s.status, 'unchecked') as object,
        count(*) || ' candidates need it' as observed, true as is_broken
    from ({possible}) p
    cross join lateral regexp_split_to_table(p.needs_departments, '\\s+') needed (department)
    join marts.customers c on c.customer_id = p.customer_id
    left join quality.department_status s on s.department = needed.department and s.as_of = {as_of}
    where coalesce(s.status, 'unchecked') not in ('fresh', 'late') and needed.department <> ''
        and (needed.department <> 'crm' or c.has_demographics)
        and exists (select from vocabulary.policies where rule = 'data_stale' and valid_from <= {as_of})
    group by 1
    order by object
"""
# Consent is needed unless a policy says that it is not; the last word on the channel or on any counts, of two words of
# one moment the withdrawal.
CONSENTS = """
    select coalesce(p.purpose, 'no purpose') || ' by ' || p.channel as object,
        count(*) || ' candidates without consent' as observed, true as is_broken
    from ({possible}) p
    where not exists (
        select from vocabulary.policies r
        where r.rule = 'consent_not_required' and r.valid_from <= {as_of}
            and coalesce(nullif(r.parameter, ''), p.purpose) = p.purpose
    )
    and (
        select c.is_granted
        from marts.consents c
        where c.customer_id = p.customer_id and c.purpose = p.purpose and c.channel in (p.channel, 'any')
            and c.known_date <= {as_of}
        order by c.changed_at desc, c.is_granted
        limit 1
    ) is not true
    group by 1
    order by object
"""
# Written anew, as all rules here: whoever wrote last on the ticket has the last word, and a resolved case is over.
COMPLAINTS = """
    with said as (
        select m.customer_id, m.message_id, m.sent_date, m.direction, m.known_date,
            m.direction = 'in' and not exists (
                select from marts.case_messages later
                where later.ticket_id = m.ticket_id and later.direction = 'out' and later.sent_at > m.sent_at
                    and later.known_date <= {as_of}
            ) and coalesce((
                select v.is_open from marts.case_versions v
                where v.ticket_id = m.ticket_id and {as_of} between v.valid_from and v.valid_until - 1
            ), true) as waits
        from marts.case_messages m
        union all
        select customer_id, answer_id, answered_date, 'in', known_date, true from marts.survey_answers
    )
    select r.policy_id || ' for ' || p.action_id as object, count(*) || ' customers wait for an answer' as observed,
        true as is_broken
    from ({possible}) p
    join vocabulary.policies r on r.rule = 'unanswered_complaint' and r.valid_from <= {as_of}
        and coalesce(nullif(r.action_id, ''), p.action_id) = p.action_id
        and coalesce(nullif(r.parameter, ''), p.purpose) = p.purpose
    where exists (
        select from said
        join scores.message_intents i using (message_id)
        join vocabulary.message_intents k on k.intent_id = i.intent
        where said.customer_id = p.customer_id and said.waits and said.known_date <= {as_of}
            and i.as_of_date <= {as_of} and i.is_named and k.is_complaint
            and said.sent_date > {as_of} - r.threshold::int and said.sent_date <= {as_of}
    )
    group by r.policy_id, p.action_id
    order by object
"""
MINIMUMS = """
    select r.policy_id || ' for ' || p.action_id as object, count(*) || ' customers below ' || r.threshold as observed,
        true as is_broken
    from ({possible}) p
    join vocabulary.policies r on coalesce(nullif(r.action_id, ''), p.action_id) = p.action_id
        and r.rule in ('minimum_intent_probability', 'minimum_feature') and r.valid_from <= {as_of}
    left join scores.intent_scores s on r.rule = 'minimum_intent_probability' and s.customer_id = p.customer_id
        and s.intent = r.parameter and s.as_of_date = {as_of}
    left join features.customer_features f on r.rule = 'minimum_feature' and f.customer_id = p.customer_id
        and f.as_of_date = {as_of}
    where (coalesce(s.probability, (to_jsonb(f) ->> r.parameter)::float8) >= r.threshold) is not true
    group by r.policy_id, p.action_id, r.threshold
    order by object
"""
UNEVALUATED = """
    select policy_id as object, 'rule ' || rule || ' is not known to the audit' as observed, true as is_broken
    from vocabulary.policies
    where valid_from <= {as_of} and rule <> all ({evaluated})
    union all
    select c.action_id, 'is not in the vocabulary of this day', true
    from (select distinct action_id from ({candidates}) drawn where propensity > 0) c
    left join vocabulary.actions a on a.action_id = c.action_id and a.valid_from <= {as_of}
    where a.action_id is null
    order by 1
"""
RECOGNISABLE = """
    select p.action_id as object,
        case when p.is_human then 'a person acts, announced as a machine' else 'no word that a machine acts' end
            as observed,
        true as is_broken
    from (select distinct action_id, is_human, ai_disclosure from ({possible}) drawn) p
    where p.is_human = (coalesce(p.ai_disclosure, '') <> '')
    order by object
"""
HOLDOUT = """
    select 'held-out customers' as object, count(*) || ' would be contacted' as observed, count(*) > 0 as is_broken
    from {table}
    where as_of_date = {as_of} and arm = 'holdout' and action_id <> 'no_action'
"""


def policy_rules(subject: Subject, candidates: sql.Composable) -> list[Expectation]:
    """List the audit's expectations; `candidates` selects customer_id, action_id and propensity of the day."""
    possible = subject.compose(POSSIBLE, candidates=candidates)
    stop = "Nothing is published. The ledger names the rule that should have dropped the action: ask data science."
    rules = [
        ("contact_limits_are_kept", CONTACTS, "Nobody is contacted more often than allowed.", {"possible": possible}),
        (
            "no_capacity_is_exceeded",
            CAPACITIES,
            "All decisions of the day together keep every capacity and budget.",
            {},
        ),
        ("new_actions_begin_small", RAMPS, "A new action goes to no more than its share of all customers.", {}),
        (
            "no_action_leans_on_stale_data",
            STALE,
            "No action needs a department whose data is stale, held back or unchecked.",
            {"possible": possible},
        ),
        (
            "nobody_is_contacted_without_consent",
            CONSENTS,
            "Every action has the customer's consent to its purpose on its channel, or needs none by a policy.",
            {"possible": possible},
        ),
        (
            "nobody_sells_to_who_waits_for_an_answer",
            COMPLAINTS,
            "No action goes where a policy forbids it to a customer whose complaint is unanswered.",
            {"possible": possible},
        ),
        (
            "cool_downs_are_kept",
            COOL_DOWNS,
            "Nobody gets an action again before its cool-down is over.",
            {"possible": possible},
        ),
        (
            "what_is_mandatory_is_told",
            OBLIGATIONS,
            "Whoever may get a mandatory action gets it, and the arm mandatory has nothing else.",
            {},
        ),
        (
            "minimums_of_the_policies_are_met",
            MINIMUMS,
            "Every action meets the minimum intent or feature that its policies ask for.",
            {"possible": possible},
        ),
        (
            "every_rule_is_audited",
            UNEVALUATED,
            "The audit knows every rule, and the vocabulary every action.",
            {"candidates": candidates, "evaluated": EVALUATED},
        ),
        (
            "a_machine_says_that_it_is_one",
            RECOGNISABLE,
            "An automatic action carries its disclosure, and one by a person does not.",
            {"possible": possible},
        ),
        ("held_out_customers_are_left_alone", HOLDOUT, "The yardstick group gets no action.", {}),
    ]
    return [
        subject.measure(
            name,
            query,
            severity="critical",
            law=law,
            threshold="0 violations",
            advice=stop,
            column="candidates",
            **more,
        )
        for name, query, law, more in rules
    ]
