"""Off-policy estimates against worlds whose truth is known: they cover it, and refuse where the log says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from bench.planted.policies import World
from ml.ope.estimate import LOGGED, difference, value
from ml.ope.interval import mean_interval
from ml.ope.log import Log
from ml.ope.overlap import overlap
from ml.ope.reward_model import cross_fit, folds
from ml.ope.settings import ope_settings

# Ten trees instead of sixty: the estimate is right with any reward model, and the tests are quick.
SETTINGS = replace(ope_settings(), reward_model={**ope_settings().reward_model, "xgboost": {"n_estimators": 10}})


def bandit(seed: int, size: int = 2000) -> tuple[Log, np.ndarray, float]:
    """Three actions of known means, drawn with probabilities that depend on a feature; a policy and its true value."""
    chance = np.random.default_rng(seed)
    feature = chance.random(size)
    propensity = np.column_stack([0.8 - 0.6 * feature, 0.1 + 0.6 * feature, np.full(size, 0.1)])
    action = (np.cumsum(propensity, axis=1) > chance.random((size, 1))).argmax(axis=1)
    chances = np.column_stack([0.2 * feature, 0.3 - 0.2 * feature, np.full(size, 0.25)])
    reward = (chance.random(size) < chances[np.arange(size), action]).astype(float)
    policy = np.tile([0.1, 0.2, 0.7], (size, 1))
    truth = 0.1 * 0.1 + 0.2 * 0.2 + 0.7 * 0.25  # the mean of the feature is 0.5
    return Log(action, reward, propensity[np.arange(size), action], 3, feature[:, None]), policy, truth


def test_intervals_cover_the_truth_as_often_as_they_say():
    hits = {"doubly robust": 0, "snips": 0}
    for seed in range(120):
        log, policy, truth = bandit(seed, 800)
        found = value(log, policy, cross_fit(log, SETTINGS), SETTINGS)
        hits["doubly robust"] += found.interval.low <= truth <= found.interval.high
        hits["snips"] += found.snips.low <= truth <= found.snips.high
    # 114 expected; fewer than 106 or more than 119 happen once in a hundred times to an interval of 95 %.
    assert all(106 <= count <= 119 for count in hits.values()), hits


def test_the_mean_of_skewed_values_is_covered_where_the_normal_interval_is_not():
    chance = np.random.default_rng(1)
    hits = normal = 0
    for _ in range(400):
        values = chance.lognormal(0, 1.5, 60)
        found = mean_interval(values)
        hits += found.low <= np.exp(1.125) <= found.high
        normal += abs(found.estimate - np.exp(1.125)) <= 1.96 * found.standard_error
    assert normal < 340 < hits


def test_symmetric_values_get_the_textbook_interval():
    values = np.random.default_rng(2).normal(5, 2, 4000)
    found = mean_interval(np.concatenate([values, 10 - values]))
    assert found.estimate == pytest.approx(5)
    assert found.high - 5 == pytest.approx(1.96 * found.standard_error, rel=0.01)
    assert 5 - found.low == pytest.approx(found.high - 5)


def test_decisions_of_one_customer_count_as_one():
    values = np.random.default_rng(3).normal(size=300)
    repeated, who = np.repeat(values, 7), np.repeat(np.arange(300), 7)
    assert mean_interval(repeated, who).standard_error == pytest.approx(mean_interval(values).standard_error)
    assert mean_interval(repeated).standard_error < 0.5 * mean_interval(repeated, who).standard_error


def test_a_customer_is_never_foretold_by_a_model_that_saw_them():
    log, _, _ = bandit(0)
    log = Log(log.action, log.reward, log.propensity, 3, log.features, np.arange(len(log)) // 5)
    fold = folds(log, SETTINGS)
    assert (fold.reshape(-1, 5) == fold.reshape(-1, 5)[:, :1]).all() and len(np.unique(fold)) == SETTINGS.folds


def test_wrong_rewards_do_not_bias_it_and_right_ones_make_it_precise():
    log, policy, truth = bandit(5, 20_000)
    right = cross_fit(log, SETTINGS)
    wrong = type(right)(right.rewards[:, ::-1] * 3 + 1, "wrong", {})
    good, bad = value(log, policy, right, SETTINGS), value(log, policy, wrong, SETTINGS)
    assert bad.interval.low < truth < bad.interval.high
    assert good.interval.standard_error < 0.8 * bad.interval.standard_error


def test_a_policy_against_itself_makes_no_difference_and_the_logging_policy_is_the_log():
    log, policy, _ = bandit(6)
    foretold = cross_fit(log, SETTINGS)
    same = difference(log, policy, policy, foretold, SETTINGS)
    assert same.interval.estimate == same.interval.low == same.interval.high == 0
    assert value(log, LOGGED, foretold, SETTINGS).interval.estimate == pytest.approx(log.reward.mean())


def test_pairing_makes_a_small_change_visible():
    world = World(3, population=1000)
    people, policy, log = world.log(5000, 4.0)
    foretold = cross_fit(log, SETTINGS)
    changed = policy.copy()
    changed[:500] = world.policy(people, 0.0)[:500]
    paired = difference(log, changed, policy, foretold, SETTINGS).interval
    alone = [value(log, each, foretold, SETTINGS).interval.standard_error for each in (changed, policy)]
    assert paired.standard_error < 0.5 * np.hypot(*alone)


def test_a_log_that_hardly_ever_did_it_is_refused():
    log, _, _ = bandit(7, 900)
    rare = np.tile([0.0, 0.0, 1.0], (900, 1))
    found = value(log, rare, cross_fit(log, SETTINGS), SETTINGS)
    assert found.is_refused and "effective sample" in found.refusal
    assert found.overlap.ess == pytest.approx((log.action == 2).sum())


def test_an_action_that_was_never_drawn_is_refused_though_the_sample_is_large():
    log, _, _ = bandit(8, 5000)
    known = log.part(log.action != 2)
    found = value(known, np.tile([0.3, 0.3, 0.4], (len(known), 1)), cross_fit(known, SETTINGS), SETTINGS)
    assert found.overlap.ess > SETTINGS.minimum_ess and "instead of 1" in found.refusal


def test_too_few_events_are_refused():
    log, policy, _ = bandit(9, 4000)
    few = log.paying(np.arange(4000) < 4)
    assert "effective events" in value(few, policy, cross_fit(few, SETTINGS), SETTINGS).refusal


def test_effective_sample_size_is_kishs():
    found = overlap(np.array([3.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert found.ess == pytest.approx(16 / 10) and found.ess_share == pytest.approx(0.4)
    assert found.events == 1 and found.largest_share == 0.75


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"propensity": np.zeros(3)}, "had a chance"),
        ({"reward": np.array([1, np.nan, 0])}, "outcome is not known"),
        ({"action": np.array([0, 1, 5])}, "outside"),
        ({"reward": np.zeros(2)}, "2 rows"),
    ],
)
def test_what_cannot_be_a_log_is_an_error(changed, message):
    fine = {"action": np.array([0, 1, 1]), "reward": np.zeros(3), "propensity": np.full(3, 0.5), "actions": 2}
    with pytest.raises(ValueError, match=message):
        Log(**{**fine, **changed})


def test_probabilities_that_do_not_sum_to_one_are_no_policy():
    log, policy, _ = bandit(10)
    with pytest.raises(ValueError, match="sum to 1"):
        log.drawn(policy * 0.9)
