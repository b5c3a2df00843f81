"""The gate on decisions audits every decision anew and refuses each kind of violation."""

import pytest

from tests.expectations.conftest import day
from tests.expectations.tables import TODAY, decide, lay_out_scores

GATE = "scores.decisions"


@pytest.fixture
def scored(house):
    """Scores of two customers, and the decision of the first; c1 may be called, c2 has no demographics."""
    lay_out_scores(house)
    decide(house, "c1")
    return house


def test_a_sound_day_passes_and_begins_with_freshness(scored):
    decide(scored, "c2")
    result = scored.check(GATE, TODAY)
    assert (result.failed, result.warned) == (0, 0)
    assert result.findings[0].expectation == "scores_and_decisions_reach_as_of"
    before = scored.left_behind()
    scored.check(GATE, TODAY)
    assert scored.left_behind() == before


@pytest.mark.parametrize(
    ("expectation", "decision"),
    [
        ("propensities_sum_to_one", {"no_action": 0.5 + 2e-9}),
        ("propensities_sum_to_one", {"no_action": None}),
        ("propensities_sum_to_one", {"no_action": 1.5, "coupon_campaign_a": -0.7, "action": "adviser_call"}),
        ("the_chosen_action_was_possible", {"action": "adviser_call", "adviser_call": 0, "no_action": 0.7}),
        ("the_chosen_action_was_possible", {"action": "unheard_of"}),
        ("everybody_may_be_left_alone", {"no_action": 0, "action": "coupon_campaign_a", "coupon_campaign_a": 0.8}),
        ("every_rule_is_audited", {"reminder_message": 0.2, "adviser_call": 0}),
        ("held_out_customers_are_left_alone", {"arm": "holdout", "action": "coupon_campaign_a"}),
    ],
)
def test_each_critical_rule_on_decisions_refuses_its_damage(scored, expectation, decision):
    decide(scored, "c2", **decision)
    assert expectation in scored.failed(GATE, TODAY)


@pytest.mark.parametrize(
    ("expectation", "damage"),
    [
        ("every_customer_has_every_intent", "delete from scores.intent_scores where customer_id = 'c2' and is_top"),
        ("every_customer_has_every_intent", "insert into vocabulary.intents values ('trade_up')"),
        (
            "every_customer_has_every_intent",
            "update scores.intent_scores set customer_id = 'c3' where customer_id = 'c2'",
        ),
        ("scores_and_decisions_reach_as_of", "delete from scores.intent_scores where as_of_date = '2017-12-09'"),
        ("every_customer_has_one_decision", "insert into marts.customers values ('c3', '9', '2017-12-01', 0, false)"),
        ("every_customer_has_one_decision", "delete from marts.customers where customer_id = 'c2'"),
        ("contact_limits_are_kept", "update marts.contact_pressure set contacts_7d = 1 where channel = 'mail'"),
        ("contact_limits_are_kept", "update marts.contact_pressure set contacts_28d = 2 where channel = 'phone'"),
        ("contact_limits_are_kept", "delete from marts.contact_pressure where customer_id = 'c2'"),
        ("contact_limits_are_kept", "insert into vocabulary.contact_limits values ('mail', 90, 9)"),
        (
            "no_action_leans_on_stale_data",
            "update quality.department_status set status = 'stale' where department = 'marketing'",
        ),
        (
            "no_action_leans_on_stale_data",
            "update quality.department_status set status = 'held' where department = 'crm'",
        ),
        ("no_action_leans_on_stale_data", "delete from quality.department_status where department = 'till'"),
        ("nobody_is_contacted_without_consent", "delete from marts.consents where customer_id = 'c2'"),
        (
            "nobody_is_contacted_without_consent",
            "update marts.consents set is_granted = false where customer_id = 'c1'",
        ),
        ("nobody_is_contacted_without_consent", "update marts.consents set channel = 'email'"),
        ("nobody_is_contacted_without_consent", "update marts.consents set known_date = '2017-12-10'"),
        (
            "nobody_is_contacted_without_consent",
            "insert into marts.consents values ('c1', 'marketing', 'any', false, '2017-12-01 08:00:00Z', '2017-12-02')",
        ),
        (
            "nobody_is_contacted_without_consent",
            "update vocabulary.policies set valid_from = '2018-01-01' where rule = 'consent_not_required'",
        ),
        ("nobody_is_contacted_without_consent", "update vocabulary.actions set purpose = null where is_human"),
        ("minimums_of_the_policies_are_met", "update scores.intent_scores set probability = 0.49"),
        ("minimums_of_the_policies_are_met", "update features.customer_features set spend_eur_84d = 149"),
        ("minimums_of_the_policies_are_met", "update features.customer_features set spend_eur_84d = null"),
        (
            "every_rule_is_audited",
            "insert into vocabulary.policies values ('new', 'only_on_sundays', null, null, null, '2017-01-01')",
        ),
        ("every_rule_is_audited", "update vocabulary.actions set valid_from = '2018-01-01' where is_human"),
        ("a_machine_says_that_it_is_one", "update vocabulary.actions set ai_disclosure = '' where channel = 'mail'"),
        ("a_machine_says_that_it_is_one", "update vocabulary.actions set ai_disclosure = 'Bot' where is_human"),
    ],
)
def test_each_rule_is_evaluated_again_from_the_tables(scored, expectation, damage):
    decide(scored, "c2")
    scored.run(damage)
    assert expectation in scored.failed(GATE, TODAY)


COMPLAINT = """
    insert into vocabulary.policies values
        ('wait', 'unanswered_complaint', null, 'marketing', 14, '2017-01-01');
    insert into marts.case_messages values
        ('m1', 't1', 'c2', 'in', '2017-12-05 08:00:00Z', '2017-12-05', '2017-12-05');
    insert into marts.case_versions values ('t1', true, '2017-12-05', '9999-12-31');
    insert into scores.message_intents values (
        'm1', 't1', '2017-12-06', 'complain_delivery', 0.9, true, true, true, false, -0.5, 0.2, 'de',
        'cx_message_intent', '1', '2017-12-07'
    );
"""


def test_an_offer_to_who_waits_for_an_answer_is_refused(scored):
    decide(scored, "c2")
    scored.run(COMPLAINT)
    assert scored.failed(GATE, TODAY) == {"nobody_sells_to_who_waits_for_an_answer"}


@pytest.mark.parametrize(
    "answered",
    [
        "insert into marts.case_messages values"
        " ('m2', 't1', 'c2', 'out', '2017-12-06 08:00:00Z', '2017-12-06', '2017-12-06')",
        "update marts.case_versions set is_open = false",
        "update marts.case_messages set sent_date = '2017-11-25'",
        "update scores.message_intents set intent = 'track'",
    ],
)
def test_once_it_is_answered_resolved_old_or_no_complaint_the_offer_passes(scored, answered):
    decide(scored, "c2")
    scored.run(COMPLAINT)
    scored.run(answered)
    assert not scored.failed(GATE, TODAY)


FORESEEN = """
    insert into scores.intent_actions values (
        'c2', '2017-12-09', 'message', %(heard)s, %(action)s, 'mail', 1, 0.1, '2017-12-09', '1', 'cx_response', '1',
        '2017-12-10'
    )
"""


def test_what_an_agent_is_told_must_be_allowed(scored):
    decide(scored, "c2", adviser_call=0, no_action=0.7)
    scored.run(FORESEEN, {"heard": "track", "action": "coupon_campaign_a"})
    assert not scored.failed(GATE, TODAY)
    scored.run("update scores.intent_actions set action_id = 'adviser_call'")
    assert scored.failed(GATE, TODAY) == {"what_agents_may_be_told_is_allowed"}


def test_nothing_is_sold_to_who_has_just_complained(scored):
    decide(scored, "c2")
    scored.run(FORESEEN, {"heard": "complain_delivery", "action": "coupon_campaign_a"})
    assert not scored.failed(GATE, TODAY)
    scored.run(
        "insert into vocabulary.policies values ('wait', 'unanswered_complaint', null, 'marketing', 14, '2017-01-01')"
    )
    assert scored.failed(GATE, TODAY) == {"what_agents_may_be_told_is_allowed"}


@pytest.mark.parametrize(
    ("action", "capacity"),
    [("coupon_campaign_a", "letters: 2.00 contacts of 1"), ("adviser_call", "calls: 10.00 eur of 5")],
)
def test_decisions_that_together_exceed_a_capacity_are_refused(house, action, capacity):
    lay_out_scores(house)
    decide(house, "c1", action=action)
    decide(house, "c2", action=action)
    assert capacity in str(house.check(GATE, TODAY))
    assert "no_capacity_is_exceeded" in house.failed(GATE, TODAY)


def test_a_capacity_that_is_used_up_and_no_more_is_kept(scored):
    decide(scored, "c2", action="coupon_campaign_a")
    assert "no_capacity_is_exceeded" not in scored.failed(GATE, TODAY)


def test_a_capacity_that_nobody_can_count_is_refused(scored):
    decide(scored, "c2")
    scored.run("insert into vocabulary.capacities values ('hours', 'phone', null, 'hours', 9, '2017-01-01')")
    assert "no_capacity_is_exceeded" in scored.failed(GATE, TODAY)


def test_a_day_that_marketing_owes_counts_as_a_contact(scored):
    decide(scored, "c2")
    owes = "update quality.department_status set silent_days = 1 where department = %s"
    scored.run(owes, ("till",))
    assert not scored.failed(GATE, TODAY)
    scored.run(owes, ("marketing",))
    assert scored.failed(GATE, TODAY) == {"contact_limits_are_kept"}


def test_an_action_again_before_its_cool_down_is_over_is_refused(scored):
    decide(scored, "c2")
    decide(scored, "c1", on=day(8), action="coupon_campaign_a")
    rest = "insert into vocabulary.policies values ('rest', 'cool_down', null, null, %s, '2017-01-01')"
    scored.run(rest, (1,))
    assert not scored.failed(GATE, TODAY), "yesterday is a day ago"
    scored.run(rest, (2,))
    assert scored.failed(GATE, TODAY) == {"cool_downs_are_kept"}


def test_somebody_who_got_it_as_another_customer_has_had_it(scored):
    decide(scored, "c2")
    decide(scored, "c1", on=day(8))
    scored.run("alter table decisions.decision_ledger disable trigger user")
    scored.run(
        "update decisions.decision_ledger set customer_id = 'merged', action_id = 'coupon_campaign_a'"
        " where customer_id = 'c1' and as_of_date = %s",
        (day(8),),
    )
    scored.run("insert into vocabulary.policies values ('rest', 'cool_down', null, null, 9, '2017-01-01')")
    assert not scored.failed(GATE, TODAY)
    scored.run(
        "insert into identity.customer_history values ('card', '9', 'merged', %s, %s, 'new', %s)",
        (day(1), TODAY, day(1)),
    )
    scored.run("insert into identity.entity_customers values ('card', '9', 'c2', %s, true)", (day(1),))
    assert scored.failed(GATE, TODAY) == {"cool_downs_are_kept"}


def test_what_has_to_be_told_may_not_be_left_out(scored):
    decide(scored, "c2")
    assert not scored.failed(GATE, TODAY)
    scored.run("update vocabulary.actions set kind = 'mandatory' where action_id = 'adviser_call'")
    assert "what_is_mandatory_is_told" in scored.failed(GATE, TODAY)


def test_decisions_of_before_there_was_a_ramp_need_not_tell_one(scored):
    """A day decided by an earlier version stays publishable; of one version all rows tell it."""
    silent = "update decisions.decision_ledger set exploration = exploration - 'maturity'"
    decide(scored, "c2")
    scored.run("alter table decisions.decision_ledger disable trigger user")
    scored.run(silent + " where customer_id = 'c2'")
    assert "new_actions_begin_small" in scored.failed(GATE, TODAY)
    scored.run(silent)
    assert "new_actions_begin_small" not in scored.failed(GATE, TODAY)


def test_a_day_without_decisions_is_refused(scored):
    assert "scores_and_decisions_reach_as_of" in scored.failed(GATE, day(8))


def test_probabilities_outside_zero_and_one_are_refused(scored):
    decide(scored, "c2")
    scored.run("alter table scores.intent_scores drop constraint intent_scores_probability_check")
    scored.run("update scores.intent_scores set probability = 'NaN' where customer_id = 'c2' and is_top")
    assert "intent_probabilities_are_probabilities" in scored.failed(GATE, TODAY)


def test_stale_crm_data_touches_only_customers_it_knows(scored):
    decide(scored, "c2")
    scored.run("update quality.department_status set status = 'stale' where department = 'crm'")
    (refused,) = scored.check(GATE, TODAY).sentences
    assert "crm is stale: 1 candidates need it" in refused


def test_an_action_that_could_not_be_drawn_breaks_no_rule(scored):
    decide(scored, "c2", adviser_call=0, no_action=0.7)
    scored.run("update features.customer_features set spend_eur_84d = 10 where customer_id = 'c2'")
    assert not scored.failed(GATE, TODAY)


def test_consent_to_any_channel_is_enough(scored):
    decide(scored, "c2")
    scored.run("update marts.consents set channel = 'any'")
    assert not scored.failed(GATE, TODAY)


def test_drift_against_the_day_before_warns(scored):
    decide(scored, "c2")
    for customer in ("c1", "c2"):
        decide(scored, customer, on=day(8), action="coupon_campaign_a")
    scored.run("update scores.intent_scores set probability = 0.7 where as_of_date = '2017-12-08'")
    assert not scored.failed(GATE, TODAY)
    assert scored.failed(GATE, TODAY, "warning") == {"intents_do_not_drift", "actions_do_not_drift"}
