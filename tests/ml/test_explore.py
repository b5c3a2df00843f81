"""Properties of SquareCB and of the draw that hold whatever the values are."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.nba import explore

DAY = date(2017, 12, 28)


@st.composite
def situations(draw):
    """Values in EUR (n, k) as the ledger keeps them, and who is eligible: in each row at least one action."""
    rows, actions = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    cents = st.integers(-100_000, 100_000).map(lambda hundredth: hundredth / 10_000)
    value = np.array(draw(st.lists(cents, min_size=rows * actions, max_size=rows * actions))).reshape(rows, actions)
    flags = draw(st.lists(st.booleans(), min_size=rows * actions, max_size=rows * actions))
    is_eligible = np.array(flags).reshape(rows, actions)
    is_eligible[np.arange(rows), draw(st.lists(st.integers(0, actions - 1), min_size=rows, max_size=rows))] = True
    return value, is_eligible, draw(st.floats(0, 1e5)), draw(st.floats(0.1, 100))


@given(situations())
def test_probabilities_are_a_distribution_over_what_is_eligible(situation):
    value, is_eligible, gamma, scale = situation
    probability = explore.squarecb(value, is_eligible, gamma, scale)
    assert np.allclose(probability.sum(axis=1), 1, atol=1e-12)
    assert (probability >= 0).all()
    assert (probability[~is_eligible] == 0).all()
    assert (probability[is_eligible] > 0).all()


@given(situations())
def test_the_best_action_has_the_largest_probability(situation):
    value, is_eligible, gamma, scale = situation
    probability = explore.squarecb(value, is_eligible, gamma, scale)
    best = np.where(is_eligible, value, -np.inf).argmax(axis=1)
    assert (probability[np.arange(len(value)), best] >= probability.max(axis=1) - 1e-12).all()


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_actions_does_not_matter(situation, random):
    value, is_eligible, gamma, scale = situation
    order = list(range(value.shape[1]))
    random.shuffle(order)
    straight = explore.squarecb(value, is_eligible, gamma, scale)[:, order]
    assert np.allclose(explore.squarecb(value[:, order], is_eligible[:, order], gamma, scale), straight, atol=1e-12)


def test_it_is_the_formula_of_the_paper():
    probability = explore.squarecb(np.array([[1.0, 0.5, 0.0]]), np.ones((1, 3), bool), gamma=10, scale=1)
    assert probability[0, 1] == pytest.approx(1 / (3 + 5))
    assert probability[0, 2] == pytest.approx(1 / (3 + 10))
    assert probability[0, 0] == pytest.approx(1 - 1 / 8 - 1 / 13)


def test_nobody_without_an_eligible_action():
    with pytest.raises(ValueError, match="no eligible action"):
        explore.squarecb(np.zeros((1, 2)), np.zeros((1, 2), bool), 1, 1)


@given(situations(), st.floats(0, 1, exclude_max=True))
def test_only_a_possible_action_is_picked(situation, number):
    value, is_eligible, gamma, scale = situation
    probability = explore.squarecb(value, is_eligible, gamma, scale)
    picked = explore.pick(probability, np.full(len(value), number))
    assert (probability[np.arange(len(value)), picked] > 0).all()


def test_actions_are_picked_as_often_as_their_probability_says():
    numbers = np.array([explore.draw(1, f"customer {n}", DAY) for n in range(20_000)])
    picked = explore.pick(np.tile([0.1, 0.0, 0.6, 0.3], (20_000, 1)), numbers)
    share = np.bincount(picked, minlength=4) / 20_000
    assert share == pytest.approx([0.1, 0.0, 0.6, 0.3], abs=0.015)  # four standard errors of a share of 0.6


def test_the_draw_depends_on_seed_customer_and_day_and_on_nothing_else():
    number = explore.draw(1, "c", DAY)
    assert number == explore.draw(1, "c", DAY) and 0 <= number < 1
    assert (
        len({number, explore.draw(2, "c", DAY), explore.draw(1, "d", DAY), explore.draw(1, "c", date(2018, 1, 1))}) == 4
    )


def test_the_holdout_is_for_ever_and_the_random_arm_for_a_month():
    people = [f"customer {n}" for n in range(5000)]

    def arms(day):
        return np.array([explore.arm(who, day, 0.05, 0.02) for who in people])

    today, tomorrow, next_year = arms(DAY), arms(date(2017, 12, 29)), arms(date(2018, 12, 28))
    assert (today == tomorrow).all()
    assert ((today == explore.HOLDOUT) == (next_year == explore.HOLDOUT)).all()
    assert not ((today == explore.RANDOM) == (next_year == explore.RANDOM)).all()
    assert (today == explore.HOLDOUT).mean() == pytest.approx(0.05, abs=0.013)
    assert (today == explore.RANDOM).mean() == pytest.approx(0.02, abs=0.009)


def test_arms_have_their_own_propensities():
    value, is_eligible = np.array([[2.0, 1.0, 0.0]] * 3), np.array([[True, True, True]] * 3)
    arms = np.array([explore.HOLDOUT, explore.RANDOM, explore.POLICY])
    probability = explore.propensities(arms, value, is_eligible, default=2, gamma=10, scale=1)
    assert probability[0].tolist() == [0, 0, 1]
    assert probability[1] == pytest.approx([1 / 3] * 3)
    assert probability[2] == pytest.approx(explore.squarecb(value, is_eligible, 10, 1)[2])
