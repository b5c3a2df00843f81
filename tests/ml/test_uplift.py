"""Uplift against known truth: who is helped is found, nobody is told apart for nothing, and the areas are right."""

from dataclasses import replace

import numpy as np
import pytest

from ml.ope.log import Log
from ml.ope.settings import ope_settings
from ml.uplift.curve import uplift_curve
from ml.uplift.evaluate import NONE_FOUND, evaluate
from ml.uplift.learn import SINGLE, best_arm, learn
from ml.uplift.outcomes import pseudo_outcomes, shares
from ml.uplift.settings import uplift_settings

SETTINGS = uplift_settings()
# Ten trees of outcomes instead of sixty: the pseudo-outcomes are free of bias with any.
NUISANCE = replace(ope_settings(), reward_model={**ope_settings().reward_model, "xgboost": {"n_estimators": 10}})


def experiment(seed: int, size: int = 6000, strength: float = 1.0, trend: str = "line") -> tuple[Log, np.ndarray]:
    """Three arms, control first, at fixed shares; return the log and the true uplift (n, 3).

    Arm 1 helps where feature 0 is high and harms where it is low, arm 2 helps everybody a little. With `strength` 0
    both do the same for everybody. `trend` "corner": only where two features are high.
    """
    chance = np.random.default_rng(seed)
    features = chance.normal(size=(size, 5))
    helped = features[:, 0] if trend == "line" else 4.0 * ((features[:, 0] > 0) & (features[:, 1] > 0)) - 1
    uplift = np.column_stack([np.zeros(size), strength * helped, np.full(size, 0.2)])
    action = chance.choice(3, size, p=[0.4, 0.3, 0.3])
    rows = np.arange(size)
    reward = features[:, 2] + uplift[rows, action] + chance.normal(0, 1.5, size)
    propensity = np.array([0.4, 0.3, 0.3])[action]
    return Log(action, reward, propensity, 3, features), uplift


def test_pseudo_outcomes_average_to_what_each_arm_brings():
    log, uplift = experiment(1, 20_000)
    outcome = pseudo_outcomes(log, NUISANCE)
    error = outcome.std(axis=0) / np.sqrt(len(log))
    truth = (log.features[:, [2]] + uplift).mean(axis=0)
    assert (np.abs(outcome.mean(axis=0) - truth) < 4 * error).all()


def test_who_is_helped_is_found_and_the_interval_covers_what_it_is_worth():
    train, _ = experiment(2)
    test, uplift = experiment(3)
    learned = learn(train, 0, SETTINGS, NUISANCE)
    worth = evaluate(learned, test, 0, SETTINGS, NUISANCE)
    assert learned.chosen != SINGLE
    assert worth.is_useful and worth.verdict.startswith("useful heterogeneity") and worth.single_arm == 2
    base = test.features[:, 2].mean()
    mine = uplift[np.arange(len(test)), best_arm(learned.uplift(test.features))].mean()
    best = uplift.max(axis=1).mean()
    assert mine > 0.95 * best
    assert worth.policy.low < base + mine < worth.policy.high
    assert worth.policy.estimate > worth.single.estimate > worth.random.estimate


def test_trees_are_chosen_where_the_uplift_sits_in_a_corner():
    train, _ = experiment(4, 12_000, trend="corner")
    learned = learn(train, 0, SETTINGS, NUISANCE)
    assert learned.chosen == "xgboost" and learned.gains["xgboost"][0] > learned.gains["ridge"][0] > 0


def test_nobody_is_told_apart_where_an_arm_helps_everybody_alike():
    found = []
    for seed in range(12):
        train, test = (experiment(100 + 2 * seed + half, 1500, strength=0.0)[0] for half in (0, 1))
        found.append(evaluate(learn(train, 0, SETTINGS, NUISANCE), test, 0, SETTINGS, NUISANCE))
    assert sum(worth.is_useful for worth in found) <= 1  # two of twelve happen to a rate of 2.5 % once in 30 times
    assert all(worth.verdict.startswith(NONE_FOUND) for worth in found if not worth.is_useful)


def test_nobody_is_treated_with_what_harms_everybody():
    log, _ = experiment(5)
    harmful = log.paying(log.reward - 1.5 * (log.action > 0))
    learned = learn(harmful, 0, SETTINGS, NUISANCE)
    assert best_arm(learned.models[SINGLE].predict(log.features)).tolist() == [0] * len(log)


def test_propensities_that_depend_on_the_customer_are_undone():
    log, uplift = experiment(6, 20_000)
    chance = np.random.default_rng(7)
    likely = np.clip(0.35 + 0.25 * log.features[:, 2], 0.1, 0.8)  # those who buy anyway are treated more often
    action = np.where(chance.random(len(log)) < likely, 2, 0)
    reward = log.features[:, 2] + uplift[np.arange(len(log)), action] + chance.normal(0, 1.5, len(log))
    skewed = Log(action, reward, np.where(action == 2, likely, 1 - likely), 3, log.features)
    outcome = pseudo_outcomes(skewed, NUISANCE)
    naive = reward[action == 2].mean() - reward[action == 0].mean()
    assert naive > 0.5 and (outcome[:, 2] - outcome[:, 0]).mean() == pytest.approx(0.2, abs=0.1)


def test_areas_under_the_curve_are_those_of_the_textbook():
    uplift = np.linspace(1, -1, 10_001)
    perfect = uplift_curve(uplift, uplift)
    # The best share s of a uniform uplift on (-1, 1) brings s - s^2 per customer: area 1/6, the straight line 0.
    assert perfect.auuc.estimate == pytest.approx(1 / 6, abs=1e-3)
    assert perfect.qini.estimate == pytest.approx(1 / 6, abs=1e-3)
    assert perfect.gain.max() == pytest.approx(0.25, abs=1e-3)
    assert uplift_curve(-uplift, uplift).qini.estimate == pytest.approx(-1 / 6, abs=1e-3)
    alike = uplift_curve(np.zeros(10_001), uplift + 0.5)
    assert alike.qini.estimate == pytest.approx(0, abs=1e-9) and alike.gain.tolist() == pytest.approx([0, 0.5])
    trapezoid = np.trapezoid(perfect.gain, perfect.share)
    assert perfect.auuc.estimate == pytest.approx(trapezoid, abs=1e-6)


def test_the_interval_of_qini_leaves_out_zero_only_for_a_ranking_that_works():
    chance = np.random.default_rng(8)
    truth = chance.normal(size=4000)
    noisy = truth + chance.normal(0, 5, 4000)
    assert uplift_curve(truth, noisy).qini.low > 0
    useless = uplift_curve(chance.normal(size=4000), noisy).qini
    assert useless.low < 0 < useless.high


def test_shares_of_the_arms_are_their_propensities():
    assert shares(np.array([0, 1, 1, 1]), 2).tolist() == [0.25, 0.75, 0.75, 0.75]
