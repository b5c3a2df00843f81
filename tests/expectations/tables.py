"""Tiny marts, features and decisions of two customers, named as dbt and ml name them; all gates let them pass."""

import itertools
import json

from tests.expectations.conftest import House, day

TODAY = day(9)
WEEK_BEFORE = day(2)

DDL = """
    create table identity.customer_ids (customer_id text, source_key text, first_known_date date);
    create table marts.customers (
        customer_id text, loyalty_number text, first_known_date date, spend_eur numeric, has_demographics boolean
    );
    create table marts.basket_lines (
        basket_id text, customer_id text, spend_eur numeric, department text, known_date date
    );
    create table marts.contact_pressure (
        customer_id text, as_of_date date, channel text, contacts_7d int, contacts_28d int
    );
    create table features.customer_features (
        customer_id text, as_of_date date, recency_days int, tenure_days int, baskets_28d int,
        campaigns_received_28d int, discount_share_84d numeric, spend_eur_84d numeric, spend_trend_ratio_28d numeric,
        has_demographics int, till_data_age_days int
    );
    create table vocabulary.intents (intent_id text);
    create table vocabulary.actions (
        action_id text, channel text, needs_departments text, is_human boolean, ai_disclosure text, valid_from date,
        purpose text, cost_eur numeric, offered_since date, kind text not null default 'optional'
    );
    create table vocabulary.capacities (
        capacity_id text, channel text, action_id text, unit text, maximum_per_day numeric, valid_from date
    );
    create table marts.consents (
        customer_id text, purpose text, channel text, is_granted boolean, changed_at timestamptz, known_date date
    );
    create table marts.case_messages (
        message_id text, ticket_id text, customer_id text, direction text, sent_at timestamptz, sent_date date,
        known_date date
    );
    create table marts.case_versions (ticket_id text, is_open boolean, valid_from date, valid_until date);
    create table marts.survey_answers (answer_id text, customer_id text, answered_date date, known_date date);
    create table vocabulary.message_intents (intent_id text, is_complaint boolean);
    create table vocabulary.contact_limits (
        channel text, window_days int, maximum_contacts int, told_by text
    );
    create table vocabulary.policies (
        policy_id text, rule text, action_id text, parameter text, threshold numeric, valid_from date
    );
"""
MARTS = """
    insert into identity.customer_ids values ('c1', '7', '2017-12-01'), ('c2', '8', '2017-12-01');
    insert into marts.customers values ('c1', '7', '2017-12-01', 3.00, true), ('c2', '8', '2017-12-01', 1.50, false);
    insert into marts.basket_lines values
        ('1', 'c1', 1.50, 'GROCERY', '2017-12-04'), ('2', 'c1', 1.50, 'GROCERY', '2017-12-04'),
        ('3', 'c2', 1.50, 'GROCERY', '2017-12-04');
    insert into marts.contact_pressure
    select c.customer_id, '2017-12-09', l.channel, 0, 1
    from marts.customers c cross join (values ('mail'), ('phone')) l (channel);
    insert into features.customer_features
    select c.customer_id, d.day, 5, 30 + n, 2, 0, 0.1, 150 + n, null, c.has_demographics::int, 0
    from marts.customers c
    cross join (values (date '2017-12-09'), ('2017-12-02')) d (day)
    cross join lateral (select right(c.customer_id, 1)::int) x (n);
    insert into vocabulary.intents values ('lapse'), ('redeem_offer');
    insert into vocabulary.actions values
        ('no_action', 'none', null, false, null, '2017-01-01', null, 0, '2017-01-01'),
        ('coupon_campaign_a', 'mail', 'till marketing', false, 'Selected automatically.', '2017-01-01', 'marketing',
            0.70, '2017-01-01'),
        ('adviser_call', 'phone', 'till crm', true, null, '2017-01-01', 'service', 5.00, '2017-01-01');
    insert into vocabulary.message_intents values ('complain_delivery', true), ('track', false);
    insert into vocabulary.capacities values
        ('letters', 'mail', null, 'contacts', 1, '2017-01-01'), ('letters', 'mail', null, 'contacts', 0, '2018-01-01'),
        ('budget', null, null, 'eur', 5, '2017-01-01'), ('calls', null, 'adviser_call', 'eur', 5, '2017-01-01');
    insert into vocabulary.contact_limits values
        ('mail', 7, 1, 'marketing'), ('mail', 28, 3, 'marketing'), ('phone', 28, 2, null);
    insert into vocabulary.policies values
        ('contact_limit', 'contact_limit', null, 'contacts_in_window', null, '2017-01-01'),
        ('consent_given', 'consent_required', null, 'marketing', null, '2017-01-01'),
        ('no_consent_for_service', 'consent_not_required', null, 'service', null, '2017-01-01'),
        ('data_not_stale', 'data_stale', null, 'department_status', null, '2017-01-01'),
        ('call_only_at_risk', 'minimum_intent_probability', 'adviser_call', 'lapse', 0.5, '2017-01-01'),
        ('call_only_valuable', 'minimum_feature', 'adviser_call', 'spend_eur_84d', 150, '2017-01-01');
    insert into marts.consents
    select customer_id, 'marketing', 'mail', true, '2017-12-01 08:00:00Z', '2017-12-02' from marts.customers;
    insert into quality.department_status
    select d, '2017-12-09', '2017-12-09', 'fresh', '' from unnest(array['till', 'crm', 'marketing']) d;
"""
SCORES = """
    insert into scores.intent_scores
    select c.customer_id, d.day, i.intent_id, 0.6, 0.5, i.intent_id = 'lapse', false, d.day, 'cx_intent', '1',
        '2017-12-10 05:00:00Z'
    from marts.customers c
    cross join vocabulary.intents i
    cross join (values (date '2017-12-09'), ('2017-12-08')) d (day)
"""
DECISION = """
    insert into decisions.decision_ledger values (
        %(customer)s || %(day)s, %(customer)s, %(day)s, %(arm)s, %(candidates)s, '{}', %(exploration)s, 1, %(draw)s,
        %(action)s, 'none', %(propensity)s, 0, %(day)s, %(day)s, %(day)s, '1', 'cx_response', '1', 'cx_intent', '1',
        '2017-12-10 05:00:00Z'
    )
"""
CANDIDATES = {"no_action": 0.5, "coupon_campaign_a": 0.3, "adviser_call": 0.2}
# Everybody is in the policy arm; one EUR of loss is one of SquareCB.
EXPLORATION = {
    "method": "rationed squarecb", "assigned": "no_action", "gamma": 1, "reward_scale_eur": 1, "holdout_share": 0,
    "random_share": 0, "prices": {}, "shares": {}, "maturity": {"starts_at": 0.02, "days": 28},
}  # fmt: skip


def lay_out(house: House) -> None:
    """Make the marts and features, with till lines landed and accepted that reconcile."""
    house.deliver("transactions", day(4), [{"basket_id": str(n)} for n in (1, 2, 3)])
    house.check("raw.till", day(4))
    house.run(DDL)
    house.run(MARTS)


def lay_out_scores(house: House) -> None:
    """Make the scores of two days on top of `lay_out`, and vocabulary and features they rest on."""
    lay_out(house)
    house.run(SCORES)


def decide(house: House, customer: str, on=TODAY, action: str = "no_action", arm: str = "policy", **changes) -> None:
    """Write one decision; `changes` set a candidate's propensity, None takes it out.

    Values are those from which such propensities follow, where any do.
    """
    shares = {name: share for name, share in {**CANDIDATES, **changes}.items() if share is not None}
    eligible = sum(share > 0 for share in shares.values())
    candidates = [
        {"action_id": name, "is_eligible": share > 0, "propensity": share, **_worth(name, share, eligible)}
        for name, share in shares.items()
    ]
    before = itertools.takewhile(lambda name: name != action, shares)
    draw = sum(shares[name] for name in before) + shares.get(action, 0) / 2
    values = {"customer": customer, "day": on, "action": action, "arm": arm, "candidates": json.dumps(candidates)}
    given = {**values, "exploration": json.dumps(EXPLORATION), "draw": min(max(draw, 0), 0.99)}
    house.run(DECISION, {**given, "propensity": shares.get(action, 0.5) or 0.5})


def _worth(action: str, share: float, eligible: int) -> dict[str, float]:
    """What a candidate of SquareCB with this propensity must have cost, if it is not the assigned one."""
    cost = 1 / share - eligible if share > 0 and action != "no_action" else 0.0
    worth = {"response_probability": 0.0, "response_value_eur": 0.0, "cost_eur": cost}
    return {**worth, "expected_net_value_eur": -cost}
