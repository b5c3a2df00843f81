"""Gate scores.decisions: may the intents and decisions of the day be published?"""

from great_expectations.expectations.expectation import Expectation

from expectations.arm_rules import arm_rules
from expectations.policy_rules import policy_rules
from expectations.replay_rules import replay_rules
from expectations.rules import Subject

TABLE = "decisions.standing_decisions"
SUM_TOLERANCE = 1e-9  # six candidates in double precision stay below 1e-15; a forgotten candidate is far above
# Between two days the mean of an intent moves by less than a point; five points are another model or other data.
INTENT_DRIFT = 0.05
# The share of an action moves with the campaigns of the week; 15 points in a day are another policy.
ACTION_DRIFT = 0.15

FRESHNESS = """
    select 'scores.intent_scores' as object, 'reaches ' || coalesce(max(as_of_date)::text, 'no day') as observed,
        count(*) filter (where as_of_date = {as_of}) = 0 as is_broken
    from scores.intent_scores
    where as_of_date <= {as_of}
    union all
    select 'decisions.decision_ledger', 'reaches ' || coalesce(max(as_of_date)::text, 'no day'),
        count(*) filter (where as_of_date = {as_of}) = 0
    from {table}
    where as_of_date <= {as_of}
"""
INTENTS = """
    with expected as (
        select c.customer_id, i.intent_id as intent
        from marts.customers c
        cross join vocabulary.intents i
        where c.first_known_date <= {as_of}
    ),
    compared as (
        select coalesce(e.intent, s.intent) as intent, e.intent is null as is_foreign, s.intent is null as is_missing
        from expected e
        full join (select customer_id, intent from scores.intent_scores where as_of_date = {as_of}) s
            using (customer_id, intent)
    )
    select intent as object,
        count(*) filter (where is_missing) || ' customers without a score, '
            || count(*) filter (where is_foreign) || ' scores of unknown customers or intents' as observed,
        count(*) filter (where is_missing or is_foreign) > 0 as is_broken
    from compared
    group by intent
    order by object
"""
DECIDED = """
    select 'customers' as object,
        count(*) filter (where l.customer_id is null) || ' without a decision, '
            || count(*) filter (where c.customer_id is null) || ' decisions for unknown customers, '
            || count(*) filter (where l.decisions > 1) || ' with several' as observed,
        count(*) filter (where l.customer_id is null or c.customer_id is null or l.decisions > 1) > 0 as is_broken
    from (select customer_id from marts.customers where first_known_date <= {as_of}) c
    full join (
        select customer_id, count(*) as decisions from {table} where as_of_date = {as_of} group by customer_id
    ) l using (customer_id)
"""
OUT_OF_RANGE = """
    select intent as object, count(*) || ' probabilities outside 0 and 1' as observed, true as is_broken
    from scores.intent_scores
    where as_of_date = {as_of} and (probability between 0 and 1) is not true
    group by intent
    order by object
"""
PROPENSITIES = """
    with summed as (
        select decision_id, sum(propensity) as total, min(propensity) as least, max(propensity) as most
        from ({candidates}) c
        group by decision_id
    )
    select 'decisions' as object,
        count(*) filter (where abs(total - 1) > {tolerance} or total is null) || ' of ' || count(*)
            || ' do not sum to 1, ' || count(*) filter (where least < 0 or most > 1) || ' outside 0 and 1' as observed,
        coalesce(bool_or(abs(total - 1) > {tolerance} or total is null or least < 0 or most > 1), false) as is_broken
    from summed
"""
CHOICE = """
    select 'decisions' as object,
        count(*) filter (where c.propensity is null or c.propensity <= 0) || ' chose an impossible action, '
            || count(*) filter (where c.propensity <> l.propensity) || ' name another propensity than the candidate'
            as observed,
        coalesce(bool_or(coalesce(c.propensity, 0) <= 0 or c.propensity <> l.propensity), false) as is_broken
    from {table} l
    left join ({candidates}) c on c.decision_id = l.decision_id and c.action_id = l.action_id
    where l.as_of_date = {as_of}
"""
NO_ACTION = """
    select 'customers' as object, count(*) || ' could not be left alone' as observed, count(*) > 0 as is_broken
    from {table} l
    where l.as_of_date = {as_of} and not exists (
        select from jsonb_to_recordset(l.candidates) c(action_id text, is_eligible boolean)
        where c.action_id = 'no_action' and c.is_eligible
    )
"""
INTENTS_MOVED = """
    with means as (
        select intent, avg(probability) filter (where s.as_of_date = {as_of}) as now,
            avg(probability) filter (where s.as_of_date < {as_of}) as before
        from scores.intent_scores s
        where s.as_of_date in (
            {as_of}, (select max(as_of_date) from scores.intent_scores where as_of_date < {as_of})
        )
        group by intent
    )
    select intent as object,
        'mean ' || round(now::numeric, 3) || ', before ' || coalesce(round(before::numeric, 3)::text, 'none')
            as observed,
        coalesce(abs(now - before) > {limit}, false) as is_broken
    from means
    where now is not null
    order by is_broken desc, object
"""
ACTIONS_MOVED = """
    with shares as (
        select action_id, as_of_date, count(*)::numeric / sum(count(*)) over (partition by as_of_date) as share
        from {table}
        where as_of_date in ({as_of}, (select max(as_of_date) from {table} where as_of_date < {as_of}))
        group by action_id, as_of_date
    ),
    compared as (
        select action_id, coalesce(max(share) filter (where as_of_date = {as_of}), 0) as now,
            coalesce(max(share) filter (where as_of_date < {as_of}), 0) as before,
            (select count(distinct as_of_date) from shares) = 2 as has_before
        from shares
        group by action_id
    )
    select action_id as object,
        round(100 * now, 1) || ' %'
            || case when has_before then ', before ' || round(100 * before, 1) || ' %' else '' end as observed,
        has_before and abs(now - before) > {limit} as is_broken
    from compared
    order by is_broken desc, object
"""
# What an agent is told to do if it hears an intent: what the day's decision could not choose either, but for the
# certainty of that intent.
FORESEEN = """
    select f.action_id as object, count(*) || ' times although a policy forbids it' as observed, true as is_broken
    from scores.intent_actions f
    join {table} l on l.customer_id = f.customer_id and l.as_of_date = f.as_of_date
    cross join lateral jsonb_to_recordset(l.candidates) c(action_id text, is_eligible boolean, dropped_by text)
    left join vocabulary.policies r on r.policy_id = c.dropped_by
    where f.as_of_date = {as_of} and c.action_id = f.action_id and f.action_id <> 'no_action'
        and (l.arm = 'holdout' or not c.is_eligible and r.rule is distinct from 'minimum_intent_probability')
    group by f.action_id
    union all
    select f.action_id, count(*) || ' times to who has just complained', true
    from scores.intent_actions f
    join vocabulary.message_intents k on f.kind = 'message' and k.intent_id = f.intent and k.is_complaint
    join vocabulary.actions a on a.action_id = f.action_id
    join vocabulary.policies r on r.rule = 'unanswered_complaint' and r.valid_from <= {as_of}
        and coalesce(nullif(r.action_id, ''), a.action_id) = a.action_id
        and coalesce(nullif(r.parameter, ''), a.purpose) = a.purpose
    where f.as_of_date = {as_of} and f.action_id <> 'no_action'
    group by f.action_id
    order by 1
"""
CANDIDATES = """
    select l.decision_id, l.customer_id, c.action_id, c.propensity
    from {table} l
    cross join lateral jsonb_to_recordset(l.candidates) c(action_id text, propensity float8)
    where l.as_of_date = {as_of}
"""
ASK = "Nothing is published; ask data science. The ledger is append-only, so the day keeps what was decided."


def suite(subject: Subject) -> list[Expectation]:
    """List the expectations on the scores and decisions of the day."""
    candidates = subject.compose(CANDIDATES)
    return [
        subject.measure(
            "scores_and_decisions_reach_as_of",
            FRESHNESS,
            freshness=True,
            severity="critical",
            law="There are scores and decisions of this day.",
            threshold="as_of",
            advice="Run score_customers for this day again.",
        ),
        subject.measure(
            "every_customer_has_every_intent",
            INTENTS,
            severity="critical",
            law="Every customer has one score for every intent of the vocabulary, and nobody else has.",
            threshold="0 missing, 0 foreign",
            advice="Run score_intent again; if an intent is new, train first. Nothing is published.",
            column="intent",
        ),
        subject.measure(
            "every_customer_has_one_decision",
            DECIDED,
            severity="critical",
            law="Every customer has exactly one decision of this day.",
            threshold="0 missing, foreign or repeated",
            advice="Run decide again: it adds the customers without one. Nothing is published.",
            column="customer_id",
        ),
        subject.measure(
            "intent_probabilities_are_probabilities",
            OUT_OF_RANGE,
            severity="critical",
            law="Every intent probability lies between 0 and 1.",
            threshold="0 to 1",
            advice="Nothing is published; ask data science to look at the calibration.",
            column="probability",
        ),
        subject.measure(
            "propensities_sum_to_one",
            PROPENSITIES,
            severity="critical",
            law="The probabilities of the candidates of every decision sum to 1.",
            threshold=f"1 within {SUM_TOLERANCE}",
            advice=ASK,
            column="candidates",
            candidates=candidates,
            tolerance=SUM_TOLERANCE,
        ),
        subject.measure(
            "the_chosen_action_was_possible",
            CHOICE,
            severity="critical",
            law="The chosen action is a candidate with the propensity that the ledger names.",
            threshold="0 decisions",
            advice=ASK,
            column="action_id",
            candidates=candidates,
        ),
        subject.measure(
            "everybody_may_be_left_alone",
            NO_ACTION,
            severity="critical",
            law="No action is a candidate for everybody, and always possible.",
            threshold="0 decisions",
            advice=ASK,
            column="candidates",
        ),
        *policy_rules(subject, candidates),
        *replay_rules(subject),
        *arm_rules(subject),
        subject.measure(
            "what_agents_may_be_told_is_allowed",
            FORESEEN,
            severity="critical",
            law="What is foreseen for an intent that an agent may hear is an action that the policies allow.",
            threshold="0 violations",
            advice="Nothing is published. Run foresee_actions again after decide; if it stays, ask data science.",
            column="action_id",
        ),
        subject.measure(
            "intents_do_not_drift",
            INTENTS_MOVED,
            severity="warning",
            law="The customers want about what they wanted the day before.",
            threshold=f"means within {INTENT_DRIFT}",
            advice="Look for a new champion or changed features.",
            column="probability",
            limit=INTENT_DRIFT,
        ),
        subject.measure(
            "actions_do_not_drift",
            ACTIONS_MOVED,
            severity="warning",
            law="The actions are chosen about as often as the day before.",
            threshold=f"shares within {ACTION_DRIFT:.0%}",
            advice="Look for a changed vocabulary, a stale department or a new champion.",
            column="action_id",
            limit=ACTION_DRIFT,
        ),
    ]
