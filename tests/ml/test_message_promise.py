"""What the machine promises when it answers alone is kept on messages that it has not seen."""

import numpy as np
import pytest

from ml.messages.fusion import Fusion
from ml.messages.promise import sure_from, upper_bound
from ml.messages.scope import Scope
from ml.metrics import expected_calibration_error


def test_the_bound_is_the_exact_one():
    """No mistake in 149 answers is the least that shows less than 2 % with 95 % confidence (rule of three)."""
    assert upper_bound(0, 148, 0.95) > 0.02 > upper_bound(0, 149, 0.95)
    assert upper_bound(3, 3, 0.95) == 1.0


@pytest.mark.parametrize("count", [400, 3000])
def test_the_promise_holds_in_nearly_all_worlds(count):
    """In 300 worlds the true error above the chosen certainty exceeds the promise in at most 5 %, and it is used."""
    broken, answered = 0, []
    for world in range(300):
        random = np.random.default_rng(world)
        certainty = random.beta(4, 1, count)
        sure = sure_from(certainty, random.random(count) < certainty**0.1, risk=0.02, confidence=0.95)
        later = random.beta(4, 1, 20_000)
        above = later >= sure
        answered.append(above.mean())
        broken += bool(above.any()) and (1 - later[above] ** 0.1).mean() > 0.02
    assert broken <= 300 * 0.05 + 2 * np.sqrt(300 * 0.05 * 0.95)
    assert np.mean(answered) > (0.5 if count == 3000 else 0.1)


def test_nothing_is_answered_alone_where_every_fifth_answer_is_wrong():
    random = np.random.default_rng(1)
    assert sure_from(random.random(5000), random.random(5000) < 0.8, 0.02, 0.95) == np.inf


def test_too_few_messages_prove_nothing():
    assert sure_from(np.linspace(0.5, 1, 100), np.ones(100, dtype=bool), 0.02, 0.95) == np.inf


def test_overconfident_experts_become_calibrated_and_a_useless_one_is_not_heard():
    random = np.random.default_rng(2)
    truth = random.normal(0, 2, (6000, 4))
    label = np.array([random.choice(4, p=np.exp(row) / np.exp(row).sum()) for row in truth])
    noise = random.normal(0, 2, truth.shape)
    fusion = Fusion.fit([7 * truth[:4000], noise[:4000]], label[:4000])
    held_out = fusion.probabilities([7 * truth[4000:], noise[4000:]])
    is_right = (held_out.argmax(axis=1) == label[4000:]).astype(int)
    assert expected_calibration_error(is_right, held_out.max(axis=1)) < 0.03
    assert fusion.weights[0] == pytest.approx(1 / 7, rel=0.1)
    assert fusion.weights[1] < 0.05


def test_strange_messages_fall_below_the_share_of_known_ones_that_was_asked_for():
    random = np.random.default_rng(3)
    margin, nearness = random.normal(2, 0.5, 4000), random.normal(0.7, 0.1, 4000)
    scope = Scope.fit(margin, [nearness])
    later = scope.score(random.normal(2, 0.5, 4000), [random.normal(0.7, 0.1, 4000)])
    strange = scope.score(random.normal(1, 0.5, 4000), [random.normal(0.5, 0.1, 4000)])
    assert (later >= scope.threshold(0.95)).mean() == pytest.approx(0.95, abs=0.015)
    assert (strange < scope.threshold(0.95)).mean() > 0.6
