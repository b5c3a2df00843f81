"""A world of customers and actions in which the value of every policy is known, and logs drawn in it.

Nine actions, one of them nothing. What an action brings in EUR: with some probability a response worth a random
amount, less its cost. The response depends on products and steps of features, which no model here is told.
A policy is SquareCB with the platform's own settings on values seen through a blur; a better policy sees the same blur
thinner. A twin stands in for every action but nothing: exactly as good, so that a policy may change and its value not.
"""

from dataclasses import dataclass

import numpy as np

from ml.nba.explore import squarecb
from ml.nba.model import nba_settings
from ml.ope.log import Log

FEATURES, KINDS = 8, 4
# The truth is a mean over so many people: a tenth of the standard error of an estimate from 100,000 logs.
POPULATION = 300_000
SAMPLE = 20_000  # to look for a policy of a wanted value


@dataclass(frozen=True)
class People:
    """Features (n, d), true mean reward in EUR (n, k), and the blur (n, k) through which policies see it."""

    features: np.ndarray
    mean: np.ndarray
    response: np.ndarray
    blur: np.ndarray


class World:
    """One world; `seed` makes all of it. Actions: nothing, then each kind and its twin side by side."""

    def __init__(self, seed: int, population: int = POPULATION) -> None:
        self.seed = seed
        chance = np.random.default_rng([seed, 0])
        self.base = chance.uniform(-2.6, -1.6, KINDS)
        self.slopes = chance.normal(0, 0.45, (FEATURES, KINDS))
        self.products = chance.normal(0, 0.35, (FEATURES, KINDS))
        self.steps = chance.normal(0, 0.5, (FEATURES, KINDS))
        self.worth = chance.uniform(8, 25, KINDS)
        self.cost = chance.uniform(0.25, 1.0, KINDS)
        self.everybody = self.people(population, 1)
        self.sample = self.people(SAMPLE, 4)

    @property
    def actions(self) -> int:
        return 1 + 2 * KINDS

    def people(self, size: int, stream: int) -> People:
        """Draw `size` customers."""
        chance = np.random.default_rng([self.seed, 1, stream])
        features = chance.normal(size=(size, FEATURES))
        score = self.base + features @ self.slopes + (features * np.roll(features, 1, axis=1)) @ self.products
        score += (features > 0.8) @ self.steps
        response = 1 / (1 + np.exp(-score))
        mean = self._twinned(response * self.worth - self.cost)
        return People(features, mean, self._twinned(response), self._twinned(chance.normal(size=(size, KINDS))))

    def policy(self, people: People, blur_eur: float, preferred_twin: int = 0) -> np.ndarray:
        """Return the probabilities (n, k) of SquareCB on the truth plus a blur of `blur_eur` standard deviation.

        `preferred_twin` (0 or 1) is drawn, the other one only for exploration: they are worth the same.
        """
        settings = nba_settings()
        unloved = np.zeros(self.actions)
        unloved[2 - preferred_twin :: 2] = 0.3
        seen = people.mean + blur_eur * people.blur - unloved
        seen[:, 0] = 0
        chosen = squarecb(seen, np.ones(seen.shape, bool), settings.gamma, settings.reward_scale_eur)
        return (1 - settings.random_share) * chosen + settings.random_share / self.actions

    def value(self, policy: np.ndarray, people: People) -> float:
        """Return the true value per decision in EUR."""
        return float((policy * people.mean).sum(axis=1).mean())

    def blur_of(self, value: float) -> float:
        """Return the blur (standard deviation in EUR) under which a policy is worth about `value` per decision."""
        low, high = 0.0, 200.0
        for _ in range(14):
            middle = (low + high) / 2
            if self.value(self.policy(self.sample, middle), self.sample) >= value:
                low = middle
            else:
                high = middle
        return low

    def log(self, size: int, blur_eur: float) -> tuple[People, np.ndarray, Log]:
        """Let the policy with `blur_eur` decide for `size` customers; return them, its probabilities and the log."""
        people = self.people(size, 2)
        policy = self.policy(people, blur_eur)
        chance = np.random.default_rng([self.seed, 3])
        action = (np.cumsum(policy, axis=1) > chance.random((size, 1))).argmax(axis=1)
        rows = np.arange(size)
        answers = chance.random(size) < people.response[rows, action]
        kind = (action + 1) // 2
        worth = np.append(0, self.worth)[kind] * chance.gamma(4, 1 / 4, size)
        reward = answers * worth - np.append(0, self.cost)[kind]
        log = Log(action, reward, policy[rows, action], self.actions, people.features, None)
        return people, policy, log

    @staticmethod
    def _twinned(by_kind: np.ndarray) -> np.ndarray:
        """Return (n, k): nothing, then every kind twice."""
        return np.column_stack([np.zeros(len(by_kind)), np.repeat(by_kind, 2, axis=1)])
