"""Who may decide from now on: a worse, a biased, a lucky and a harmful challenger are refused, each with its reason."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from bench.planted.policies import World
from ml.ope.estimate import LOGGED, doubly_robust
from ml.ope.judge import Trial, judge
from ml.ope.reward_model import cross_fit
from ml.ope.settings import ope_settings

# Ten trees instead of sixty: what is tested is the rule, and the estimate is right with any reward model.
SETTINGS = replace(ope_settings(), reward_model={**ope_settings().reward_model, "xgboost": {"n_estimators": 10}})
FAIR = Trial(learned_until=date(2025, 3, 31), log_from=date(2025, 4, 1))


@pytest.fixture(scope="module")
def situation():
    """A world with a champion of middling sight, and what it logged."""
    world = World(12, population=1000)
    people, champion, log = world.log(12_000, 4.0)
    return world, people, champion, log


def test_a_better_challenger_is_promoted(situation):
    world, people, champion, log = situation
    found = judge(log, world.policy(people, 2.5), champion, FAIR, SETTINGS)
    assert found.is_promoted and found.reason.startswith("promoted: gain per decision [")
    assert found.evidence["gain_low"] > 0 and found.evidence["action_coverage"] == 1


def test_a_worse_challenger_is_refused(situation):
    world, people, champion, log = situation
    found = judge(log, world.policy(people, 9.0), champion, FAIR, SETTINGS)
    assert not found.is_promoted and "does not lie above 0" in found.reason


def test_a_biased_challenger_that_believes_in_itself_is_refused(situation):
    world, people, champion, log = situation
    favourite = np.zeros_like(champion)
    favourite[:, 7] = 1  # its model thinks that one action is best for everybody
    found = judge(log, favourite, champion, FAIR, SETTINGS)
    assert not found.is_promoted and "uses 11% of the champion's actions" in found.reason


def test_who_learned_from_the_log_is_refused(situation):
    world, people, champion, log = situation
    found = judge(log, world.policy(people, 2.5), champion, Trial(date(2025, 4, 1), date(2025, 4, 1)), SETTINGS)
    assert not found.is_promoted and "nobody is judged by what it learned from" in found.reason


def test_the_best_of_many_of_no_merit_is_refused(situation):
    """Each of 300 challengers prefers equally good twins at random: on its own the luckiest would be promoted."""
    world, people, champion, log = situation
    twins = champion[:, [0, *(column for kind in range(4) for column in (2 + 2 * kind, 1 + 2 * kind))]]
    undecided = (champion + twins) / 2
    sides = np.random.default_rng(4).random((300, len(log))) < 0.5
    rewards = cross_fit(log, SETTINGS).rewards
    gained = doubly_robust(log, champion, rewards) - doubly_robust(log, undecided, rewards)
    luckiest = sides[np.argmax((2 * sides - 1) @ gained)]
    lucky = np.where(luckiest[:, None], champion, twins)
    assert judge(log, lucky, undecided, FAIR, SETTINGS).is_promoted
    found = judge(log, lucky, undecided, Trial(FAIR.learned_until, FAIR.log_from, tried=300), SETTINGS)
    assert not found.is_promoted and "does not lie above 0" in found.reason


def test_equally_good_challengers_are_seldom_promoted():
    promoted = 0
    for seed in range(20):
        world = World(seed, population=10)
        people, champion, log = world.log(1500, 4.0)
        promoted += judge(log, world.policy(people, 4.0, preferred_twin=1), champion, FAIR, SETTINGS).is_promoted
    assert promoted <= 2  # three of twenty happen to a rate of 2.5 % once in 75 times


def test_a_challenger_that_annoys_is_refused(situation):
    world, people, champion, log = situation
    chance = np.random.default_rng(5)
    better = world.policy(people, 2.5)
    annoys = (chance.random(len(log)) < np.where(better[np.arange(len(log)), log.action] > 0.5, 0.06, 0.0)).astype(
        float
    )
    calm = (chance.random(len(log)) < 0.001).astype(float)
    refused = judge(log, better, champion, FAIR, SETTINGS, {"complaint": annoys, "opt_out": calm})
    assert not refused.is_promoted and "complaint may rise by" in refused.reason and "opt_out" not in refused.reason
    assert judge(log, better, champion, FAIR, SETTINGS, {"opt_out": calm}).is_promoted


def test_a_challenger_under_which_a_group_loses_is_refused(situation):
    world, people, champion, log = situation
    mixed = world.policy(people, 2.5)
    old = people.features[:, 0] > 1
    mixed[old] = world.policy(people, 30.0)[old]
    found = judge(log, mixed, champion, FAIR, SETTINGS, groups={"age": np.where(old, "old", "young")})
    assert not found.is_promoted and "customers with age old lose" in found.reason and "young" not in found.reason


def test_the_logging_policy_may_be_known_only_by_its_draws(situation):
    world, people, champion, log = situation
    found = judge(log, world.policy(people, 2.5), LOGGED, FAIR, SETTINGS)
    assert found.is_promoted and found.gain.overlap.ess < len(log)


def test_a_guardrail_without_a_limit_is_an_error(situation):
    world, people, champion, log = situation
    with pytest.raises(KeyError, match="returns"):
        judge(log, champion, champion, FAIR, SETTINGS, {"returns": np.zeros(len(log))})
