"""Why and why not: the stage at which an action ended, and that the change it names really flips the decision."""

from copy import deepcopy

import pytest

from ml.nba import why
from ml.nba.choose import RATIONED
from ml.nba.why import explain, explain_action


def candidate(action: str, value: float, propensity: float, dropped: tuple[str, str] | None = None, **more) -> dict:
    rule, reason = dropped or (None, None)
    return {
        **{"action_id": action, "channel": "email", "is_eligible": dropped is None, "dropped_by": rule},
        **{"dropped_reason": reason, "response_probability": (value + 0.5) / 10, "response_value_eur": 10.0},
        **{"cost_eur": 0.5, "intent": None, "intent_probability": None, "propensity": propensity},
        **{"expected_net_value_eur": value, **more},
    }


NOTHING = candidate("no_action", 0.0, 0.01, response_value_eur=0.0, cost_eur=0.0, response_probability=0.0)


@pytest.fixture
def row() -> dict:
    return {
        "arm": "policy",
        "action_id": "newsletter_offer",
        "draw": 0.4,
        "facts": {
            "contacts": {"email_7d": 2},
            "features": {"open_cases": 0, "tickets_28d": None},
        },
        "exploration": {"method": "squarecb"},
        "candidates": [
            NOTHING,
            candidate("newsletter_offer", 1.0, 0.97),
            candidate("tutorial", 0.25, 0.02),
            candidate("service_callback", 9.0, 0, ("call_only_open_cases", "open_cases below 1")),
            candidate("apology_voucher", 9.0, 0, ("apologise_only_with_reason", "tickets_28d below 1")),
            candidate("letter", 2.0, 0, ("contact_limit", "2 contacts by email in 7 days reached")),
            candidate("push", 2.0, 0, ("data_not_stale", "data of app is stale")),
            candidate("sms", 2.0, 0, ("consent_given", "consent to marketing by sms is withdrawn")),
            candidate(
                "mail", 2.0, 0, ("contact_limit", "3 contacts by email in 7 days reached, counting 1 days not told yet")
            ),
            candidate("call", 2.0, 0, ("call_once", "decided less than 28 days ago")),
            candidate("fax", 2.0, 0, ("consent_given", "no consent to marketing by fax")),
            candidate("survey", 2.0, 0, ("purpose_not_allowed", "not for one of the purposes allowed here: service")),
        ],
    }


def test_every_candidate_gets_an_answer_with_its_stage(row):
    stages = {answer.action_id: answer.stage for answer in explain(row)}
    assert stages.pop("newsletter_offer") == why.CHOSEN
    assert stages.pop("tutorial") == stages.pop("no_action") == why.VALUE
    assert set(stages.values()) == {why.POLICY}
    assert all(answer.en.endswith(".") and answer.de.endswith(".") and "{" not in answer.de for answer in explain(row))


@pytest.mark.parametrize(
    ("action", "rule", "en", "de"),
    [
        ("service_callback", "call_only_open_cases", "open_cases of at least 1 (0 now)", "open_cases von mindestens 1"),
        ("apology_voucher", "apologise_only_with_reason", "of at least 1 (unknown now)", "von mindestens 1"),
        ("letter", "contact_limit", "fewer than 2 contacts by email in 7 days (2 now)", "weniger als 2 Kontakte über"),
        ("push", "data_not_stale", "fresh data of app", "frische Daten von app"),
        ("sms", "consent_given", "a new consent to marketing by sms", "eine neue Einwilligung zu marketing über sms"),
        ("fax", "consent_given", "consent to marketing by fax", "eine Einwilligung zu marketing über fax"),
        ("survey", "purpose_not_allowed", "another policy", "eine andere Regel"),
    ],
)
def test_a_dropped_action_names_the_rule_the_numbers_and_what_it_would_take(row, action, rule, en, de):
    answer = explain_action(row, action)
    assert (answer.rule, answer.stage) == (rule, why.POLICY)
    assert rule in answer.en and en in answer.en and rule in answer.de and de in answer.de


def test_the_probability_that_is_named_makes_the_action_the_best(row):
    answer = explain_action(row, "tutorial")
    assert "0.75 EUR below newsletter_offer" in answer.en and "a response with 15.0 % probability" in answer.en
    tutorial = row["candidates"][2]
    assert 0.15 * tutorial["response_value_eur"] - tutorial["cost_eur"] == pytest.approx(1.0)
    assert "eine Antwort mit 15.0 % Wahrscheinlichkeit" in answer.de
    assert "1.00 EUR more value" in explain_action(row, "no_action").en, "nothing is never answered"


def test_control_arms_and_chance_are_told_apart_from_value(row):
    held = {**row, "arm": "holdout", "action_id": "no_action"}
    assert explain_action(held, "newsletter_offer").stage == why.ARM
    drawn = {**row, "arm": "random", "action_id": "tutorial"}
    assert explain_action(drawn, "newsletter_offer").stage == why.CHANCE
    explored = {**row, "action_id": "tutorial"}
    answer = explain_action(explored, "newsletter_offer")
    assert answer.stage == why.CHANCE and "97.0 %" in answer.en and "0.4000 fell to tutorial" in answer.en


def test_a_capacity_that_is_short_is_named_with_its_price(row):
    short = deepcopy(row)
    short["action_id"] = "tutorial"
    short["exploration"] = {"method": RATIONED, "assigned": "tutorial", "prices": {"newsletter_offer": 0.9}}
    answer = explain_action(short, "newsletter_offer")
    assert answer.stage == why.CAPACITY
    assert "0.90 EUR of what others would lose" in answer.en and "0.15 EUR more" in answer.en
    assert explain_action(short, "tutorial").stage == why.CHOSEN


def test_an_action_that_was_no_candidate_is_an_error(row):
    with pytest.raises(KeyError):
        explain_action(row, "unheard_of")


def test_the_harm_that_is_expected_is_part_of_the_sum_and_of_what_it_would_take(row):
    row["candidates"].append(candidate("survey_mail", 0.2, 0.01, response_probability=0.11, expected_harm_eur=0.4))
    answer = explain_action(row, "survey_mail")
    assert "(11.0 % x 10.00 - 0.50 - 0.40)" in answer.en and "19.0 % probability" in answer.en
