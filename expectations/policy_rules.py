"""The audit of a day's decisions: every rule of the vocabulary is evaluated again, from the marts, without the chooser.

Not only what was chosen counts, but every action that could have been drawn (propensity above 0). A fact that is not
known breaks a minimum: what is not known of a customer is no ground to contact them.
"""

from great_expectations.expectations.expectation import Expectation
from psycopg2 import sql

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
# A day that a department owes may hide a contact with everybody on the channels that it tells of.
CONTACTS = """
    select m.channel || ' in ' || m.window_days || ' days' as object,
        count(*) || ' customers would get more than ' || m.maximum_contacts as observed, true as is_broken
    from ({possible}) p
    join vocabulary.contact_limits m on m.channel = p.channel
    left join marts.contact_pressure seen
        on seen.customer_id = p.customer_id and seen.channel = p.channel and seen.as_of_date = {as_of}
    left join lateral (
        select max(least(s.silent_days, m.window_days)) as days
        from regexp_split_to_table(m.told_by, '\\s+') teller (department)
        join quality.department_status s on s.department = teller.department and s.as_of = {as_of}
    ) untold on true
    where (
            (to_jsonb(seen) ->> ('contacts_' || m.window_days || 'd'))::bigint + coalesce(untold.days, 0)
            < m.maximum_contacts
        ) is not true
        and p.kind = 'optional'
        and exists (select from vocabulary.policies where rule = 'contact_limit' and valid_from <= {as_of})
    group by m.channel, m.window_days, m.maximum_contacts
    order by object
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
# Of somebody who has become one with another customer, or was told apart, the action was everybody's who is that now.
COOL_DOWNS = """
    with rules as (
        select r.policy_id, r.threshold::int as days, a.action_id
        from vocabulary.policies r
        join vocabulary.actions a on coalesce(nullif(r.action_id, ''), a.action_id) = a.action_id
        where r.rule = 'cool_down' and r.valid_from <= {as_of} and a.action_id <> 'no_action'
    ),
    taken as (
        select distinct r.policy_id, r.days, d.customer_id, d.action_id, d.as_of_date
        from rules r
        join {table} d on d.action_id = r.action_id and d.as_of_date > {as_of} - r.days and d.as_of_date < {as_of}
    ),
    whose as (
        select policy_id, days, customer_id, action_id from taken
        union
        select t.policy_id, t.days, now.customer_id, t.action_id
        from taken t
        join identity.customer_history h on h.customer_id = t.customer_id
            and t.as_of_date >= h.valid_from and t.as_of_date < coalesce(h.valid_until, 'infinity')
        join identity.entity_customers now using (entity_kind, source_key)
    )
    select w.policy_id || ' for ' || p.action_id as object,
        count(*) || ' customers had it less than ' || w.days || ' days ago' as observed, true as is_broken
    from ({possible}) p
    join whose w using (customer_id, action_id)
    group by w.policy_id, w.days, p.action_id
    order by object
"""
# Who may get something mandatory is told that, and nothing else; the arm says so.
OBLIGATIONS = """
    with due as (
        select distinct l.decision_id
        from {table} l
        cross join lateral jsonb_to_recordset(l.candidates) c(action_id text, is_eligible boolean)
        join vocabulary.actions a on a.action_id = c.action_id and a.kind = 'mandatory'
        where l.as_of_date = {as_of} and c.is_eligible
    )
    select l.action_id as object, count(*) || ' times ' || case
            when due.decision_id is null then 'in the arm mandatory without anything mandatory'
            else 'instead of what has to be told'
        end as observed,
        true as is_broken
    from {table} l
    left join due using (decision_id)
    left join vocabulary.actions a on a.action_id = l.action_id
    where l.as_of_date = {as_of} and case
            when due.decision_id is null then l.arm = 'mandatory'
            else l.arm <> 'mandatory' or a.kind is distinct from 'mandatory'
        end
    group by l.action_id, due.decision_id is null
    order by object
"""
# Counted over what was chosen, as one capacity is for all customers together. Of several versions of a limit the newest
# that is valid holds. What is mandatory uses a capacity and is not held back by it: nothing else goes beyond what it
# leaves. A tenth of a cent: sums of costs in binary fractions.
CAPACITIES = """
    with in_force as (
        select distinct on (capacity_id) *
        from vocabulary.capacities
        where valid_from <= {as_of}
        order by capacity_id, valid_from desc
    ),
    used as (
        select m.capacity_id, m.unit, m.maximum_per_day,
            coalesce(
                sum(case m.unit when 'contacts' then 1 else a.cost_eur end) filter (where a.action_id is not null), 0
            ) as amount,
            coalesce(
                sum(case m.unit when 'contacts' then 1 else a.cost_eur end) filter (where a.kind <> 'mandatory'), 0
            ) as chosen
        from in_force m
        left join (
            {table} d join vocabulary.actions a on a.action_id = d.action_id and d.action_id <> 'no_action'
                and d.as_of_date = {as_of}
        ) on coalesce(nullif(m.channel, ''), a.channel) = a.channel
            and coalesce(nullif(m.action_id, ''), a.action_id) = a.action_id
        group by m.capacity_id, m.unit, m.maximum_per_day
    )
    select capacity_id as object, round(amount::numeric, 2) || ' ' || unit || ' of ' || maximum_per_day as observed,
        chosen > greatest(maximum_per_day - (amount - chosen), 0) + 0.001 or unit not in ('contacts', 'eur')
            as is_broken
    from used
    order by is_broken desc, object
"""
# How many customers may get an action that took effect lately; the ramp's settings are those that the ledger keeps.
RAMPS = """
    with telling as ( -- decisions of before there was a ramp tell none
        select distinct policy_version from {table}
        where as_of_date > {as_of} - 28 and exploration -> 'maturity' is not null
    ),
    how as (
        select count(*) as customers,
            count(*) filter (
                where exploration -> 'maturity' is null and policy_version in (select policy_version from telling)
            ) as silent,
            max((exploration -> 'maturity' ->> 'starts_at')::float8) as starts_at,
            max((exploration -> 'maturity' ->> 'days')::int) as days
        from {table}
        where as_of_date = {as_of}
    ),
    ramps as (
        select a.action_id,
            floor((starts_at + (1 - starts_at) * ({as_of} - a.offered_since) / days) * customers + 1e-9) as maximum,
            (select count(*) from {table} l where l.as_of_date = {as_of} and l.action_id = a.action_id) as taken
        from how
        join vocabulary.actions a on a.offered_since <= {as_of} and {as_of} - a.offered_since < days
        where a.action_id <> 'no_action' and a.kind <> 'mandatory'
    )
    select action_id as object, taken || ' customers of ' || maximum as observed, taken > maximum as is_broken
    from ramps
    union all
    select 'decisions', silent || ' do not tell the ramp', true from how where silent > 0
    order by is_broken desc, object
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
