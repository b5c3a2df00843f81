"""Net values learned from the ledger: harm counts against them, and what has drifted is forgotten."""

from dataclasses import replace

import numpy as np
import pytest

from ml.nba import explore
from ml.nba.capacity import Limits
from ml.nba.choose import RATIONED, SQUARECB, choose
from ml.nba.drift import forgotten
from ml.nba.experience import Catalogue, Experience
from ml.nba.measure import value_of_decisions
from ml.nba.model import nba_settings
from ml.nba.net_value import NetValueModel
from ml.nba.reward import Outcomes, Prices, net_value

CATALOGUE = Catalogue(
    cost_eur=np.array([0, 0.25, 0.7]),
    response_value_eur=np.array([0, 1.0, 1.0]),
    assumed_response=np.array([0, 0.05, 0.05]),
    assumed_harm_eur=np.array([0, 0.06, 0.06]),
)
LEARNING = nba_settings().learning


def chance_of(features: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The mail is answered by those with a high first feature, the letter by those with a low one."""
    slope = np.array([0, 1.2, -1.2])[action]
    return np.where(action > 0, 1 / (1 + np.exp(2.2 - slope * features[:, 0])), 0)


def experience(size: int, seed: int = 0, age: float = 7.0, mail: float = 1.0) -> Experience:
    """A week of random decisions; a response brings what the customer usually brings, and one in ten mails spoils."""
    chance = np.random.default_rng(seed)
    features = chance.normal(0, 1, (size, 3)).astype(np.float32)
    action = chance.integers(0, 3, size)
    usual = chance.uniform(10, 30, size)
    truth = chance_of(features, action) * np.where(action == 1, mail, 1)
    responded = chance.random(size) < truth
    harmed = (action == 1) & (chance.random(size) < 0.1)
    expected = chance_of(features, action)
    return Experience(features, action, usual, responded, usual * responded, 6.0 * harmed, np.full(size, age),
                      expected, np.where(action == 1, 0.6, 0.0))  # fmt: skip


def test_a_reward_is_the_margin_less_cost_complaints_and_opt_outs():
    followed = Outcomes(np.array([1, 0, 0]), np.array([20.0, 0, 0]), np.array([0, 1, 0]), np.array([0, 1, 0]))
    assert net_value(followed, np.array([0.25, 0.7, 0]), Prices(5, 6)).tolist() == pytest.approx([19.75, -11.7, 0])


def test_before_any_outcome_the_catalogue_speaks():
    value = NetValueModel(CATALOGUE, LEARNING, 1).value(np.zeros((2, 3)), np.array([10.0, 30.0]))
    assert value.tolist() == [pytest.approx([0, 0.19, -0.26]), pytest.approx([0, 1.19, 0.74])]


def test_it_learns_whom_what_helps_and_what_it_spoils():
    model = NetValueModel(CATALOGUE, LEARNING, 1).fit(experience(20_000))
    fans = np.array([[1.5, 0, 0], [-1.5, 0, 0]], dtype=np.float32)
    value = model.value(fans, np.array([20.0, 20.0]))
    assert value.argmax(axis=1).tolist() == [1, 2]
    truth = chance_of(fans, np.array([1, 2])) * 20 - [0.6 + 0.25, 0.7]
    assert value[[0, 1], [1, 2]] == pytest.approx(truth, rel=0.25)
    assert (value[:, 0] == 0).all()


def test_the_same_ledger_gives_the_same_values():
    seen = experience(2000)
    one, other = (NetValueModel(CATALOGUE, LEARNING, 1).fit(seen).value(seen.features, seen.usual_eur) for _ in "ab")
    assert (one == other).all()


def test_what_was_foretold_well_is_not_forgotten_and_what_drifted_is():
    older = experience(6000, seed=1, age=14)
    quiet = Experience.together([older, experience(6000, seed=2)])
    assert not forgotten(quiet, 3, LEARNING["drift"]).any()
    worn = Experience.together([older, experience(6000, seed=2, mail=0.2)])
    gone = forgotten(worn, 3, LEARNING["drift"])
    assert (gone == ((worn.action == 1) & (worn.age_days == 14))).all()


def test_after_a_drift_it_follows_what_is_true_now():
    older = experience(6000, seed=1, age=14)
    now = experience(6000, seed=2, mail=0.2)
    model = NetValueModel(CATALOGUE, LEARNING, 1).fit(Experience.together([older, now]))
    response, _, _ = model.foretell(now.features, now.usual_eur)
    mails = now.action == 1
    assert response[mails, 1].mean() == pytest.approx(0.2 * now.foretold_response[mails].mean(), rel=0.35)


def test_choosing_with_and_without_limits_uses_true_probabilities():
    chance = np.random.default_rng(1)
    value = np.column_stack([np.zeros(2000), chance.normal(0.5, 1, (2000, 2))])
    arms = np.full(2000, explore.POLICY)
    given = (np.ones((2000, 3), bool), chance.random(2000))
    usage = np.array([[0.0], [0], [1]])
    free = choose(arms, value, *given, Limits([], np.zeros((3, 0)), np.zeros(0)), 0, 700, 10, 0.1, [1])
    short = choose(arms, value, *given, Limits(["letters"], usage, np.array([50.0])), 0, 700, 10, 0.1, [1])
    assert free.method == SQUARECB and short.method == RATIONED and free.assigned is None
    assert (free.action == 2).sum() > 500 and (short.action == 2).sum() <= 50
    for choice in (free, short):
        assert choice.probability.sum(axis=1) == pytest.approx(1)
        assert (explore.pick(choice.probability, choice.number) == choice.action).all()


def test_the_reported_value_covers_the_true_one():
    covered = 0
    for seed in range(100):
        seen = experience(1500, seed)
        probability = np.full((1500, 3), 1 / 3)
        answers = np.column_stack([chance_of(seen.features, np.full(1500, one)) for one in range(3)])
        foretold = 0.8 * answers * seen.usual_eur[:, None] - CATALOGUE.cost_eur
        truth = float(np.mean(answers * seen.usual_eur[:, None] - CATALOGUE.cost_eur - [0, 0.6, 0]))
        reward = seen.margin_eur - seen.harm_eur - CATALOGUE.cost_eur[seen.action]
        found = value_of_decisions(reward, seen.action, probability, foretold)
        covered += found.low <= truth <= found.high
    assert covered >= 90


def test_an_experience_keeps_its_columns_together():
    seen = experience(50)
    assert len(Experience.together([seen, replace(seen, age_days=seen.age_days + 7)])) == 100
    assert (seen.part(seen.action == 1).action == 1).all()


def test_what_is_bought_anyway_is_told_apart_even_if_good_customers_were_chosen():
    """Half of all buy anyway, more if their second feature is high; mails went to these, letters to anybody."""
    chance = np.random.default_rng(5)
    features = chance.normal(0, 1, (30_000, 3)).astype(np.float32)
    mailed = chance.random(30_000) < np.where(features[:, 1] > 0, 0.7, 0.1)
    action = np.where(mailed, 1, np.where(chance.random(30_000) < 0.5, 2, 0))
    usual = 1 / (1 + np.exp(-1.5 * features[:, 1]))
    added = np.where((action == 2) & (features[:, 0] > 0), 0.5 * (1 - usual), 0)
    bought, harmed = chance.random(30_000) < usual + added, chance.random(30_000) < 0.05
    unknown = np.full(30_000, np.nan)
    seen = Experience(features, action, np.full(30_000, 20.0), bought, 20.0 * bought, 6.0 * harmed,
                      np.full(30_000, 7.0), unknown, unknown)  # fmt: skip
    model = NetValueModel(CATALOGUE, LEARNING, 1, counts_anyway=True).fit(seen)
    response, worth, harm = model.foretell(features, seen.usual_eur)
    assert response[:, 1].mean() < 0.03, "who gets mails buys more, but not because of them"
    fans = features[:, 0] > 0
    assert response[fans, 2].mean() == pytest.approx((0.5 * (1 - usual))[fans].mean(), abs=0.05)
    assert response[~fans, 2].mean() < 0.06
    assert harm[:, 1:].mean() < 0.06, "opt-outs that come anyway are not charged to an action"
    assert worth[:, 2].mean() == pytest.approx(20, rel=0.1)
    assert model.foretell_anyway(features)[0].mean() == pytest.approx(usual.mean(), abs=0.03)
