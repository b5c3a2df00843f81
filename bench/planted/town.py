"""Nordhaus week by week, for the loop bench: what a company would know of everybody, and what only the truth knows.

The world lives on without the actions under test: what an action brings or spoils is paid in the week of the decision
and does not change the weeks after it. So all policies meet the same people every week and are compared in pairs.
"""

from dataclasses import dataclass, replace

import numpy as np

from bench.planted.facts import Facts
from simulator.nordhaus import effects, randomness
from simulator.nordhaus.world import World

WEEK = 7
NO_ACTION = effects.NAMES.index("no_action")
# What an order brings differs from what it brings on average (sigma of the log; the mean stays).
MARGIN_SPREAD = 0.5


@dataclass(frozen=True)
class Monday:
    """One decision day: `features` (n, d) that a company knows, `reach` (n, k) by consent, and the truth about all."""

    day: int
    person: np.ndarray
    features: np.ndarray
    names: list[str]
    truth: effects.Effects


@dataclass(frozen=True)
class Outcomes:
    """What followed the actions (n): answered or not, the margin of the answer in EUR, contact forbidden or not."""

    responded: np.ndarray
    margin_eur: np.ndarray
    opted_out: np.ndarray


class Town:
    """A world of `people` after `history` days; `drift_week` is when what they answer to changes (None: never)."""

    def __init__(self, seed: int, people: int, history: int = 360, drift_week: int | None = None) -> None:
        self.seed = seed
        self.drift_day = None if drift_week is None else history + WEEK * drift_week
        self.world = World(seed, people)
        self.facts = Facts(self.world)
        self._live(history)
        self.person = np.flatnonzero(self.world.traits.joins_day < history)

    def monday(self) -> Monday:
        """Show what is known and what is true before the decisions of the week."""
        day = self.world.state.day + 1
        features = self.facts.table(day, self.person)
        truth = self.world.effects(self.person)
        if self.drift_day is not None and day >= self.drift_day:
            truth = drifted(truth, self.world.traits.mail_openness[self.person])
        return Monday(day, self.person, np.column_stack(list(features.values())), list(features), truth)

    def outcomes(self, monday: Monday, action: np.ndarray) -> Outcomes:
        """Draw what follows `action` (n) by the person's own chance: another policy's same action ends the same."""
        row = np.arange(len(action))
        responded, annoyed = effects.outcomes(self.seed, monday.day, monday.person, action, monday.truth)
        spread = randomness.normal(self.seed, "margin", monday.person, monday.day, action)
        worth = monday.truth.response_value_eur[row, action] * np.exp(MARGIN_SPREAD * spread - MARGIN_SPREAD**2 / 2)
        return Outcomes(responded, np.where(responded, worth, 0.0), annoyed)

    def week(self) -> None:
        """Let a week pass."""
        self._live(WEEK)

    def _live(self, days: int) -> None:
        for _ in range(days):
            happened = self.world.live()
            self.facts.note(happened)
            self.world.end(happened)


def drifted(truth: effects.Effects, mail_openness: np.ndarray) -> effects.Effects:
    """Return the truth after the drift: offers by e-mail have worn out, most with those who opened them most.

    Their answers fall (log-odds -1 - 1.5 x openness) and they annoy (+1); letters and pushes are answered more (+1).
    """
    answer, annoy = np.zeros_like(truth.response), np.zeros_like(truth.response)
    mail = effects.NAMES.index("newsletter_offer")
    answer[:, mail], annoy[:, mail] = -1 - 1.5 * mail_openness, 1.0
    for name in ("letter_offer", "app_push_offer"):
        answer[:, effects.NAMES.index(name)] = 1.0
    response, annoyance = _moved(truth.response, answer), _moved(truth.annoyance, annoy)
    value = response * truth.response_value_eur - annoyance * effects.OPT_OUT_EUR - effects.COSTS
    return replace(truth, response=response, annoyance=annoyance, value_eur=value)


def _moved(probability: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Return probabilities moved by log-odds; what is impossible stays so."""
    odds = probability / (1 - probability) * np.exp(log_odds)
    return odds / (1 + odds)
