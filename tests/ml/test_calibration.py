"""Calibration mends distorted scores, and the method that holds up in other weeks is chosen."""

import numpy as np
import pytest

from ml.calibration import METHODS, Calibrator, choose_calibrator
from ml.metrics import expected_calibration_error, log_loss

RANDOM = np.random.default_rng(11)
TRUTH = RANDOM.beta(2, 5, size=6000)
LABEL = (RANDOM.random(6000) < TRUTH).astype(int)
BLOCK = np.arange(6000) % 2


@pytest.mark.parametrize("method", [name for name in METHODS if name != "identity"])
def test_each_method_mends_an_overconfident_score(method):
    odds = np.log(TRUTH / (1 - TRUTH))
    overconfident = 1 / (1 + np.exp(-3 * odds))
    mended = Calibrator(method).fit(overconfident, LABEL).transform(overconfident)
    assert expected_calibration_error(LABEL, overconfident) > 0.1
    assert expected_calibration_error(LABEL, mended) < 0.02
    assert ((mended > 0) & (mended < 1)).all()


def test_a_score_that_holds_is_left_nearly_as_it_is():
    chosen, losses = choose_calibrator(TRUTH, LABEL, BLOCK)
    assert log_loss(LABEL, chosen.transform(TRUTH)) <= log_loss(LABEL, TRUTH) + 1e-3
    assert set(losses) == set(METHODS)


def test_what_held_only_in_one_half_of_the_weeks_is_not_chosen():
    """The odds of the first block are inverted: a map learned on one block harms the other, so none is the best map."""
    score = np.where(BLOCK == 0, 0.5 + (TRUTH - 0.5) * 0.02, 1 - TRUTH)
    chosen, losses = choose_calibrator(score, LABEL, BLOCK)
    assert losses["isotonic"] > log_loss(LABEL, np.full(len(LABEL), LABEL.mean()))
    assert losses[chosen.method] == min(losses.values())


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="choose one of identity, sigmoid, beta, isotonic"):
        Calibrator("magic")
