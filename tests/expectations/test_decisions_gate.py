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


@pytest.mark.parametrize(
    ("action", "capacity"),
    [("coupon_campaign_a", "letters: 2.00 contacts of 1"), ("adviser_call", "calls: 10.00 eur of 5")],
)
def test_decisions_that_together_exceed_a_capacity_are_refused(house, action, capacity):
    lay_out_scores(house)
    decide(house, "c1", action=action)
    decide(house, "c2", action=action)
    broken = house.check(GATE, TODAY)
    (found,) = [each for each in broken.findings if each.expectation == "no_capacity_is_exceeded"]
    assert not found.success and capacity in found.observed


def test_a_capacity_that_is_used_up_and_no_more_is_kept(scored):
    decide(scored, "c2", action="coupon_campaign_a")
    assert "no_capacity_is_exceeded" not in scored.failed(GATE, TODAY)


def test_a_capacity_that_nobody_can_count_is_refused(scored):
    decide(scored, "c2")
    scored.run("insert into vocabulary.capacities values ('hours', 'phone', null, 'hours', 9, '2017-01-01')")
    assert "no_capacity_is_exceeded" in scored.failed(GATE, TODAY)


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
