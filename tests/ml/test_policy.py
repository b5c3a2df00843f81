"""What may not be done is dropped, with the rule that forbids it; no_action never is."""

import pandas as pd
import pytest

from ml.nba.candidates import consent_of
from ml.nba.policy import UnknownRule, apply_policies
from ml.nba.value import expected_net_value, response_probability
from tests.ml.company import SEEDS

ACTIONS = pd.read_csv(SEEDS / "action_versions.csv")
POLICIES = pd.read_csv(SEEDS / "policy_versions.csv")
LIMITS = pd.read_csv(SEEDS / "contact_limits.csv")
FRESH = {"till": "fresh", "crm": "fresh", "marketing": "fresh"}
CONTACTABLE = {
    "channel_contacts_7d": 0,
    "channel_contacts_28d": 0,
    "taken_days": None,
    "spend_eur_84d": 1000.0,
    "overdue_ratio_168d": 3.0,
    "has_demographics": 1,
    "consent": None,
    "intent_probability:lapse": 0.9,
}


def dropped(departments=None, policies=POLICIES, purposes=("marketing", "service"), **facts) -> dict[str, str]:
    """Apply the policies to every action for one customer; return {action: policy that dropped it}."""
    candidates = ACTIONS.assign(**{**CONTACTABLE, **facts})
    verdict = apply_policies(candidates, policies, LIMITS, departments or FRESH, purposes, {"crm": "has_demographics"})
    return dict(zip(candidates["action_id"], verdict["dropped_by"], strict=True))


def test_a_customer_for_whom_nothing_speaks_against_may_get_anything():
    assert set(dropped().values()) == {None}


@pytest.mark.parametrize(("contacts", "is_dropped"), [(0, False), (1, True), (2, True)])
def test_a_reached_contact_limit_closes_the_channel(contacts, is_dropped):
    found = dropped(channel_contacts_7d=contacts)
    assert (found["coupon_campaign_a"] == "contact_limit") is is_dropped
    assert (found["adviser_call"] == "contact_limit") is is_dropped
    assert (found["reminder_message"] == "contact_limit") is (contacts >= 2)
    assert found["no_action"] is None


def test_a_day_that_a_department_owes_may_have_been_a_contact():
    candidates = ACTIONS.assign(**{**CONTACTABLE, "channel_contacts_28d": 2})
    for silent, told in (({}, None), ({"till": 9}, None), ({"marketing": 1}, "contact_limit")):
        verdict = apply_policies(candidates, POLICIES, LIMITS, FRESH, ["marketing", "service"], {}, silent)
        found = dict(zip(candidates["action_id"], verdict["dropped_by"], strict=True))
        assert found["coupon_campaign_a"] == told and found["reminder_message"] is None, "nobody tells of the app"


@pytest.mark.parametrize("kind", ["transactional", "mandatory"])
def test_contact_limits_hold_back_what_is_optional(kind):
    assert set(dropped(kind=kind, channel_contacts_7d=99).values()) == {None}


@pytest.mark.parametrize(("days", "is_dropped"), [(None, False), (1, True), (27, True), (28, False)])
def test_an_action_rests_until_its_cool_down_is_over(days, is_dropped):
    found = dropped(taken_days=days)
    assert (found["adviser_call"] == "call_once_a_month") is is_dropped
    assert {rule for action, rule in found.items() if action != "adviser_call"} == {None}


def test_the_longer_window_counts_as_well():
    found = dropped(channel_contacts_28d=3)
    assert found["coupon_campaign_b"] == "contact_limit" and found["reminder_message"] is None


@pytest.mark.parametrize("status", ["stale", "held", "unchecked"])
def test_stale_data_drops_the_actions_that_need_it(status):
    assert dropped({**FRESH, "crm": status}) == {**dropped(), "adviser_call": "data_not_stale"}
    without_marketing = dropped({**FRESH, "marketing": status})
    assert {action for action, rule in without_marketing.items() if rule == "data_not_stale"} == {
        "coupon_campaign_a", "coupon_campaign_b", "coupon_campaign_c",
    }  # fmt: skip


def test_stale_data_touches_only_the_customers_of_whom_the_department_knows():
    assert dropped({**FRESH, "crm": "stale"}, has_demographics=0)["adviser_call"] is None


def test_late_data_is_still_good_enough():
    assert dropped({**FRESH, "till": "late"}) == dropped()


def test_without_till_data_nothing_is_left_but_no_action():
    found = dropped({**FRESH, "till": "held"})
    assert [action for action, rule in found.items() if rule is None] == ["no_action"]


def test_minimums_are_kept_and_a_missing_fact_does_not_meet_them():
    assert dropped(**{"intent_probability:lapse": 0.49})["adviser_call"] == "call_only_at_risk"
    assert dropped(spend_eur_84d=149.99)["adviser_call"] == "call_only_valuable"
    assert dropped(overdue_ratio_168d=float("nan"))["reminder_message"] == "remind_only_overdue"


def test_a_purpose_that_is_not_allowed_is_dropped_first():
    found = dropped({**FRESH, "marketing": "stale"}, purposes=("service",))
    assert found["coupon_campaign_a"] == found["reminder_message"] == "purpose_not_allowed"
    assert found["adviser_call"] is None and found["no_action"] is None


def consenting(rules: list[tuple[str, str | None]], **facts) -> dict[str, str]:
    """Apply consent rules, given as kind and purpose, instead of the company's own."""
    others = POLICIES[~POLICIES["rule"].str.startswith("consent_")]
    rows = [{"policy_id": kind, "rule": kind, "parameter": purpose} for kind, purpose in rules]
    return dropped(policies=pd.concat([others, pd.DataFrame(rows)]), **facts)


@pytest.mark.parametrize(
    ("consent", "rule"), [("granted", None), ("withdrawn", "consent_required"), (None, "consent_required")]
)
def test_without_consent_every_action_of_the_purpose_is_dropped(consent, rule):
    found = consenting([("consent_required", "marketing"), ("consent_not_required", "service")], consent=consent)
    assert found["coupon_campaign_a"] == found["reminder_message"] == rule
    assert found["adviser_call"] is None and found["no_action"] is None


def test_a_rule_without_a_purpose_asks_for_all():
    found = consenting([("consent_required", None)])
    assert {action for action, rule in found.items() if rule is None} == {"no_action"}


def test_silence_about_consent_is_an_error():
    with pytest.raises(UnknownRule, match="whether these purposes need consent: service"):
        consenting([("consent_required", "marketing")])


def test_the_reason_says_what_is_missing():
    candidates = ACTIONS.assign(**CONTACTABLE | {"consent": "withdrawn"})
    required = POLICIES.assign(rule=POLICIES["rule"].replace("consent_not_required", "consent_required"))
    verdict = apply_policies(candidates, required, LIMITS, FRESH, ["marketing", "service"], {})
    of_offer = verdict[candidates["action_id"] == "coupon_campaign_a"].iloc[0]
    assert tuple(of_offer) == ("consent_not_recorded", "consent to marketing by mail is withdrawn")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("mail", True, 1)], "granted"),
        ([("mail", True, 1), ("any", False, 2)], "withdrawn"),
        ([("mail", False, 1), ("any", True, 2)], "granted"),
        ([("mail", False, 1), ("any", True, 1)], "withdrawn"),
        ([("phone", True, 1)], None),
        ([], None),
    ],
)
def test_the_last_word_on_the_channel_or_on_any_counts(told, expected):
    moments = [{"channel": channel, "is_granted": granted, "changed_at": at} for channel, granted, at in told]
    consents = pd.DataFrame(moments, columns=["channel", "is_granted", "changed_at"])
    consents = consents.assign(customer_id="c1", purpose="marketing")
    row = pd.DataFrame([{"customer_id": "c1", "purpose": "marketing", "channel": "mail"}])
    found = consent_of(row, consents)[0]
    assert found == expected if expected else pd.isna(found)


def test_the_rule_is_recorded_with_a_reason_in_words():
    candidates = ACTIONS.assign(**{**CONTACTABLE, "channel_contacts_7d": 1})
    verdict = apply_policies(candidates, POLICIES, LIMITS, FRESH, ["marketing", "service"], {})
    reason = verdict.loc[candidates["action_id"] == "coupon_campaign_a", "dropped_reason"].item()
    assert reason == "1 contacts by mail in 7 days reached"


def test_a_rule_that_nobody_carries_out_is_an_error():
    strange = POLICIES.assign(rule=POLICIES["rule"].replace("data_stale", "moon_phase"))
    with pytest.raises(UnknownRule, match="moon_phase"):
        dropped(policies=strange)
    with pytest.raises(UnknownRule, match="looks at shoe_size"):
        dropped(policies=POLICIES.assign(parameter=POLICIES["parameter"].replace("spend_eur_84d", "shoe_size")))


def test_value_of_learned_and_assumed_actions():
    candidates = ACTIONS.assign(learned_response=0.2, intent_probability=0.5, expected_harm_eur=0.0)
    candidates.loc[candidates["action_id"] == "adviser_call", "expected_harm_eur"] = 0.3
    candidates["response_probability"] = response_probability(candidates)
    value = dict(zip(candidates["action_id"], expected_net_value(candidates), strict=True))
    assert value["coupon_campaign_a"] == pytest.approx(0.2 * 9.00 - 0.70)
    assert value["reminder_message"] == pytest.approx(0.06 * 0.5 * 5.00 - 0.25)
    assert value["adviser_call"] == pytest.approx(0.12 * 0.5 * 45.00 - 5.00 - 0.3)
    assert value["no_action"] == 0


def test_an_action_that_serves_an_unscored_intent_is_an_error():
    with pytest.raises(ValueError, match="No score of .*lapse"):
        response_probability(ACTIONS.assign(learned_response=0.2, intent_probability=float("nan")))
