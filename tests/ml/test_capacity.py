"""The global choice: as good as the exact one, never beyond a limit, and every probability stays what is logged."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.nba import explore
from ml.nba.assign import assign, exact
from ml.nba.balance import balanced
from ml.nba.capacity import Limits, limits_of
from ml.nba.ration import draw_within, propensities, ration

CHANNEL = np.array([0, 1, 1, 2, 3, 1, 0, 2])  # 0 is without a limit
COST = np.array([0, 0.25, 0.25, 5, 0.7, 4.25, 0.25, 5])


def day(customers: int, seed: int = 0, short: float = 1.0) -> tuple[np.ndarray, np.ndarray, Limits]:
    """Values in EUR (n, 8), who is eligible, and limits on three channels and a budget."""
    chance = np.random.default_rng(seed)
    value = (chance.gamma(1, 2, (customers, 8)) * chance.uniform(0.2, 2, 8) - chance.uniform(0, 1, 8)).round(4)
    value[:, 0] = 0
    is_eligible = chance.random((customers, 8)) < 0.8
    is_eligible[:, 0] = True
    usage = np.column_stack([*((one == CHANNEL) * 1.0 for one in (1, 2, 3)), COST])
    maximum = np.round(customers * short * np.array([0.2, 0.02, 0.05, 0.3]))
    return value, is_eligible, Limits(["email", "phone", "letter", "budget"], usage, maximum)


def arms_of(customers: int, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).random(customers)
    return np.select([drawn < 0.05, drawn < 0.15], [explore.HOLDOUT, explore.RANDOM], explore.POLICY)


@pytest.mark.parametrize(("customers", "short"), [(60, 1.0), (3000, 1.0), (3000, 0.1), (30_000, 0.5)])
def test_it_is_within_a_hundredth_of_the_exact_optimum(customers, short):
    value, is_eligible, limits = day(customers, short=short)
    found = assign(value, is_eligible, limits, limits.maximum)
    rows = np.arange(customers)
    assert (limits.used(found.action) <= limits.maximum + 1e-6).all() and is_eligible[rows, found.action].all()
    assert found.value == pytest.approx(value[rows, found.action].sum())
    if customers <= 3000:
        best = value[rows, exact(np.where(is_eligible, value, -np.inf), limits, limits.maximum)].sum()
        assert 0.99 * best <= found.value <= found.bound + 1e-6
    assert found.gap < 0.01


def test_without_scarcity_everybody_gets_what_is_best_for_them():
    value, is_eligible, limits = day(500, short=100)
    found = assign(value, is_eligible, limits, limits.maximum)
    assert (found.action == np.where(is_eligible, value, -np.inf).argmax(axis=1)).all() and not found.prices.any()


def test_a_limit_of_nothing_leaves_nothing():
    value, is_eligible, limits = day(500, short=0)
    found = assign(value, is_eligible, limits, limits.maximum)
    assert not limits.used(found.action).any()


def test_the_same_day_gives_the_same_choice():
    value, is_eligible, limits = day(3000)
    first, second = (assign(value, is_eligible, limits, limits.maximum) for _ in range(2))
    assert (first.action == second.action).all() and (first.prices == second.prices).all()


def test_somebody_with_limited_actions_only_is_an_error():
    value, is_eligible, limits = day(50)
    is_eligible[3] = CHANNEL == 2
    with pytest.raises(ValueError, match="without a limit"):
        assign(value, is_eligible, limits, limits.maximum)


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(2, 6), st.integers(0, 10_000))
def test_a_balanced_draw_takes_each_class_as_often_as_expected_up_to_rounding(customers, classes, seed):
    chance = np.random.default_rng(seed)
    probability = chance.dirichlet(np.full(classes, 0.5), customers)
    probability[chance.random(customers) < 0.2] = np.eye(classes)[0]
    chosen = balanced(probability, chance)
    expected, count = probability.sum(axis=0), np.bincount(chosen, minlength=classes)
    assert (count >= np.floor(expected - 1e-6)).all() and (count <= np.ceil(expected + 1e-6 - 1e-9)).all()
    assert (probability[np.arange(customers), chosen] > 0).all()


def test_redraws_meet_the_logged_propensities_and_no_limit_is_ever_exceeded():
    customers, draws = 60, 1500
    value, is_eligible, limits = day(customers)
    arms = arms_of(customers)
    rationed = ration(arms, value, is_eligible, limits, 0, gamma=100, scale=10, explored_share=0.2)
    rows, count = np.arange(customers), np.zeros(value.shape)
    for seed in range(draws):
        chance = np.random.default_rng(seed)
        action = explore.pick(
            rationed.probability, draw_within(rationed.probability, limits, chance.random(customers), chance)
        )
        count[rows, action] += 1
        assert (limits.used(action) <= limits.maximum + 1e-9).all()
    share, logged = count / draws, rationed.probability
    assert not share[logged == 0].any()
    uncertain = (logged > 0.005) & (logged < 0.995)
    z = (share - logged)[uncertain] / np.sqrt(logged * (1 - logged) / draws)[uncertain]
    # Of some 300 right probabilities the farthest lies about 3.5 standard errors off.
    assert np.abs(z).max() < 4.6 and 0.85 < np.sqrt(np.mean(z**2)) < 1.15


def test_the_numbers_drawn_are_uniform_for_each_customer():
    customers, draws = 40, 800
    value, is_eligible, limits = day(customers)
    rationed = ration(arms_of(customers), value, is_eligible, limits, 0, gamma=100, scale=10, explored_share=0.2)
    numbers = np.empty((draws, customers))
    for seed in range(draws):
        chance = np.random.default_rng(seed)
        numbers[seed] = draw_within(rationed.probability, limits, chance.random(customers), chance)
    assert np.abs(numbers.mean(axis=0) - 0.5).max() < 4.5 * np.sqrt(1 / 12 / draws)
    assert np.abs((numbers < 0.2).mean(axis=0) - 0.2).max() < 4.5 * np.sqrt(0.16 / draws)


def test_limits_are_kept_in_expectation_with_room_for_the_last_execution():
    value, is_eligible, limits = day(2000)
    rationed = ration(arms_of(2000), value, is_eligible, limits, 0, gamma=800, scale=10, explored_share=0.1)
    expected = rationed.probability.sum(axis=0) @ limits.usage
    assert (expected <= limits.spendable() + 1e-6).all() and rationed.gap < 0.01
    assert np.allclose(rationed.probability.sum(axis=1), 1) and (rationed.probability >= 0).all()
    assert not rationed.probability[~is_eligible].any()
    assert (rationed.share[CHANNEL == 0][:1] == 1).all() and (rationed.share > 0).all() and rationed.share.min() < 1


def test_what_is_short_goes_to_those_for_whom_it_is_worth_most():
    value, is_eligible, limits = day(2000)
    rationed = ration(np.full(2000, explore.POLICY), value, is_eligible, limits, 0, 800, 10, 0.1)
    called = (rationed.assigned == 3) | (rationed.assigned == 7)
    advantage = value[:, [3, 7]].max(axis=1) - value[:, [0, 6]].max(axis=1)
    assert 0 < called.sum() <= limits.maximum[1] and advantage[called].mean() > np.quantile(advantage, 0.9)


def test_held_out_and_random_customers_are_as_without_limits_where_nothing_is_short():
    value, is_eligible, limits = day(300, short=100)
    arms = arms_of(300)
    rationed = ration(arms, value, is_eligible, limits, 0, gamma=800, scale=10, explored_share=0.1)
    assert np.allclose(rationed.probability, explore.propensities(arms, value, is_eligible, 0, 800, 10))


def test_an_auditor_recomputes_the_probabilities_from_price_and_share():
    value, is_eligible, limits = day(400)
    arms = arms_of(400)
    rationed = ration(arms, value, is_eligible, limits, 0, gamma=800, scale=10, explored_share=0.1)
    again = propensities(arms, value - rationed.price, is_eligible, rationed.assigned, rationed.share, 0, 800, 10)
    assert (again == rationed.probability).all()


def test_a_budget_in_several_sizes_leaves_room_for_one_of_each():
    usage = np.array([[0, 0], [1, 0.25], [1, 5.0]])
    limits = Limits(["contacts", "budget"], usage, np.array([10.0, 20.0]))
    assert limits.spendable().tolist() == [8.0, 14.75]
    single = Limits(["budget"], np.array([[0], [0.1]]), np.array([0.3]))
    assert single.spendable() == pytest.approx([0.3])


def test_limits_are_read_from_the_vocabulary():
    actions = pd.DataFrame(
        {"action_id": ["call", "mail", "no_action"], "channel": ["phone", "email", "none"], "cost_eur": [5, 0.25, 0]}
    )
    rows = [("phone", None, "contacts", 20), (None, None, "eur", 100), ("email", "mail", "contacts", 50)]
    capacities = pd.DataFrame(rows, columns=["channel", "action_id", "unit", "maximum_per_day"])
    limits = limits_of(capacities, actions)
    assert limits.names == ["contacts of phone", "eur of all channels", "contacts of email for mail"]
    assert limits.usage.tolist() == [[1, 5, 0], [0, 0.25, 1], [0, 0, 0]] and limits.maximum.tolist() == [20, 100, 50]
    assert not limits_of(capacities.head(0), actions)
    with pytest.raises(ValueError, match="concerns no action"):
        limits_of(capacities.assign(channel="fax"), actions)
    with pytest.raises(ValueError, match="unit is"):
        limits_of(capacities.assign(unit="hours"), actions)


def test_what_was_decided_before_leaves_less_and_what_cannot_bind_is_left_out():
    usage = np.array([[0.0, 0], [1, 0.5], [1, 5]])
    limits = Limits(["contacts", "budget"], usage, np.array([3.0, 100]))
    assert limits.left(np.array([1, 1, 2])).maximum.tolist() == [0, 94]
    assert limits.left(np.array([1] * 9)).maximum.tolist() == [0, 95.5]
    assert limits.binding(np.ones((4, 3), bool)).names == ["contacts"]
    assert not limits.binding(np.ones((3, 3), bool))
