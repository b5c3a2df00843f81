"""The arms of the experiment: their sizes are those of the settings, and they were alike before they were drawn."""

import json

import numpy as np
import pytest

from tests.expectations.conftest import day
from tests.expectations.tables import TODAY, lay_out_scores

GATE = "scores.decisions"
HOLDOUT, RANDOM = 0.05, 0.02
CUSTOMERS = 4000
DECISION = """
    insert into decisions.decision_ledger
    select 'd' || n, 'x' || n, %(day)s, arm, '[]', json_build_object('features', json_build_object(
            'spend_eur_84d', spend, 'recency_days', 9 + n %% 20
        ))::jsonb, %(shares)s, 1, 0.5, 'no_action', 'none', 0.5, 0, %(day)s, %(day)s, %(day)s, '1', 'cx_response', '1',
        'cx_intent', '1', '2017-12-10 05:00:00Z'
    from unnest(%(arms)s, %(spend)s) with ordinality as made (arm, spend, n)
"""


@pytest.fixture
def arms():
    """As many of each arm as promised, but for a few as chance has it."""
    arms = np.repeat(["holdout", "random", "policy"], [208, 72, CUSTOMERS - 280])
    return np.random.default_rng(1).permutation(arms)


def warned(house, arms: np.ndarray, factor: np.ndarray | float = 1.0, first_known: int = 1) -> set[str]:
    """Decide for everybody and return what the gate warns of."""
    lay_out_scores(house)
    spend = np.random.default_rng(2).lognormal(4, 1.2, len(arms)) * factor
    shares = {"holdout_share": HOLDOUT, "random_share": RANDOM}
    house.run(
        "insert into marts.customers select 'x' || n, n::text, %s, 1, false from generate_series(1, %s) n",
        (day(first_known), len(arms)),
    )
    given = {"day": TODAY, "shares": json.dumps(shares), "arms": arms.tolist(), "spend": spend.tolist()}
    house.run(DECISION, given)
    return house.failed(GATE, TODAY, "warning")


SIZES, ALIKE = "arms_have_the_promised_sizes", "arms_were_alike_before_they_were_drawn"


def test_arms_as_the_hash_draws_them_alarm_nobody(house, arms):
    assert not {SIZES, ALIKE} & warned(house, arms)


@pytest.mark.parametrize(("lost", "into"), [("holdout", "policy"), ("policy", "random")])
def test_customers_who_moved_to_another_arm_are_found(house, arms, lost, into):
    """Seventy of four thousand; chance alone moves fourteen of the hold-out."""
    moved = arms.copy()
    moved[np.flatnonzero(arms == lost)[:70]] = into
    found = warned(house, moved)
    assert SIZES in found and ALIKE not in found


def test_a_hold_out_of_other_customers_is_found(house, arms):
    found = warned(house, arms, factor=np.where(arms == "holdout", 0.6, 1.0))
    assert ALIKE in found and SIZES not in found


def test_what_happened_after_the_arms_were_drawn_is_their_difference_not_a_fault(house, arms):
    """The same customers were decided about a day earlier, when nothing told them apart."""
    differs = np.where(arms == "holdout", 0.6, 1.0)
    lay_out_first = warned(house, arms, factor=differs)
    assert ALIKE in lay_out_first
    house.run(
        "insert into decisions.decision_ledger select 'f' || decision_id, customer_id, %s, arm, candidates,"
        " jsonb_set(facts, '{features,spend_eur_84d}', '50'), exploration, seed, draw, action_id, channel, propensity,"
        " expected_net_value_eur, valid_from, valid_until, data_as_of, policy_version, model_name, model_version,"
        " intent_model_name, intent_model_version, scored_at from decisions.decision_ledger",
        (day(8),),
    )
    assert ALIKE not in house.failed(GATE, TODAY, "warning")
