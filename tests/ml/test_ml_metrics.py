"""Metrics agree with scikit-learn, and intervals are drawn by customer."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.metrics import log_loss as sklearn_log_loss

from ml import metrics
from ml.comparison import gains, mean_gain

RANDOM = np.random.default_rng(3)
LABEL = (RANDOM.random(400) < 0.3).astype(int)
SCORE = np.round(np.clip(0.3 * LABEL + RANDOM.random(400) * 0.7, 0.01, 0.99), 2)  # rounded: with ties


def test_weighted_pr_auc_is_average_precision_with_sample_weights():
    weights = RANDOM.integers(0, 4, size=(5, 400)).astype(float)
    expected = [average_precision_score(LABEL, SCORE, sample_weight=row) for row in weights]
    assert metrics.weighted_pr_auc(LABEL, SCORE, weights) == pytest.approx(expected, abs=1e-12)


def test_weighted_log_loss_is_log_loss_with_sample_weights():
    weights = RANDOM.integers(1, 4, size=(5, 400)).astype(float)
    expected = [sklearn_log_loss(LABEL, SCORE, sample_weight=row) for row in weights]
    assert metrics.weighted_log_loss(LABEL, SCORE, weights) == pytest.approx(expected, abs=1e-12)


def test_calibration_error_is_the_gap_between_promise_and_truth():
    label = np.array([1] * 30 + [0] * 70)
    assert metrics.expected_calibration_error(label, np.full(100, 0.3)) >= 0
    promised = np.repeat([0.0, 1.0], 500)
    assert metrics.expected_calibration_error((promised > 0.5).astype(int), promised) == 0
    assert metrics.expected_calibration_error(np.zeros(1000), np.full(1000, 0.2)) == pytest.approx(0.2)


def test_all_rows_of_a_customer_are_drawn_together():
    customer = np.array(["a", "b", "a", "c", "b"])
    weights = metrics.customer_weights(customer, draws=50, seed=1)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert (metrics.customer_weights(customer, 50, seed=1) == weights).all()


def test_gain_of_a_better_model_is_positive_and_of_itself_is_zero():
    weights = metrics.customer_weights(np.arange(400), draws=200, seed=1)
    guess = np.full(400, LABEL.mean())
    better = gains(LABEL, SCORE, guess, weights)["pr_auc"]
    assert better.low > 0 and better.low < better.point < better.high
    same = gains(LABEL, SCORE, SCORE, weights)
    assert same["log_loss"].point == same["log_loss"].low == same["log_loss"].high == 0


def test_mean_gain_averages_the_same_draws():
    weights = metrics.customer_weights(np.arange(400), draws=100, seed=1)
    one = gains(LABEL, SCORE, np.full(400, 0.3), weights)["log_loss"]
    mirrored = gains(LABEL, np.full(400, 0.3), SCORE, weights)["log_loss"]
    both = mean_gain([one, mirrored])
    assert both.point == pytest.approx(0) and both.low == pytest.approx(0, abs=1e-12)
