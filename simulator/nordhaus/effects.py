"""What every action would truly do to every person today: what regret and true uplift are measured by.

An action may bring a response (a purchase within days, a reopened relationship) and may annoy (an opt-out, a worse
mood). Both are logistic in the person's true state, so the expected net value of every action for everybody is exact:

    value = P(response) x response value - P(annoyance) x annoyance cost - cost of the action      [EUR]

and the world draws responses and annoyances from these probabilities, by person, day and action: asking what would
have happened under another action gives the draw that the person would have had.
"""

from dataclasses import dataclass

import numpy as np

from simulator.nordhaus import catalogue, randomness
from simulator.nordhaus.state import INTEREST, NOBODY, State
from simulator.nordhaus.traits import Traits

# Cost in EUR per contact (machine 0.25-0.70, human about 5) and the channel the action needs.
ACTIONS = {
    "no_action": (0.0, "none"),
    "newsletter_offer": (0.25, "email"),
    "app_push_offer": (0.25, "push"),
    "letter_offer": (0.70, "letter"),
    "replenishment_reminder": (0.25, "push"),
    "tutorial": (0.30, "email"),
    "ask_missing_attribute": (0.25, "email"),
    "apology_voucher": (0.55, "email"),
    "service_callback": (5.00, "phone"),
    "human_adviser": (5.00, "phone"),
}
NAMES = tuple(ACTIONS)
COSTS = np.array([cost for cost, _ in ACTIONS.values()])
CHANNELS = np.array([channel for _, channel in ACTIONS.values()])
VOUCHER_EUR = 5.0
OPT_OUT_EUR = 6.0  # margin that is lost with a person who may no longer be addressed


@dataclass(frozen=True)
class Effects:
    """Per person (rows) and action (columns, as NAMES): probabilities, EUR, and whether the channel is there."""

    response: np.ndarray
    annoyance: np.ndarray
    response_value_eur: np.ndarray
    value_eur: np.ndarray
    is_reachable: np.ndarray


def effects(day: int, person: np.ndarray, state: State, traits: Traits, reach: dict[str, np.ndarray]) -> Effects:
    """The truth about all actions for `person` (m) on `day`: arrays of shape (m, 10).

    `reach` tells per channel (email, push, phone, letter) who can be reached at all (bool, n). Unreachable people do
    not respond and are not annoyed; the cost is spent all the same.
    """
    mood, fatigue = state.mood[person], state.fatigue[person]
    complains = state.open_complaint_until[person] >= day
    wants = state.need[person] != NOBODY
    near = wants & (state.phase[person] == INTEREST)
    since = day - state.last_purchase[person]
    usage = catalogue.USAGE_DAYS[traits.favourite[person]]
    runs_out = (usage > 0) & (np.abs(since - usage) <= 7)
    lapsing = (since > 60) & (since < 400)
    new = (since > 0) & (since < 14)
    owns_machine = traits.favourite[person] == catalogue.SMART_CATEGORY
    bad = (mood < -0.3).astype(float)
    price, mail, app = traits.price_sensitivity[person], traits.mail_openness[person], traits.app_share[person]
    patience, talks = traits.patience[person], traits.talkative[person]
    tired = 1.1 * fatigue + 2.5 * complains
    response = {
        "no_action": np.full(len(person), -30.0),
        "newsletter_offer": -3.6 + 1.6 * mail + 1.3 * price + 1.0 * wants + 0.5 * near - tired + 0.8 * mood,
        "app_push_offer": -3.7 + 2.4 * app + 0.8 * price + 1.6 * near - tired + 0.5 * mood,
        "letter_offer": -3.5 + 1.5 * lapsing + 0.8 * price - 1.5 * traits.online[person] - 0.8 * tired,
        "replenishment_reminder": -3.9 + 3.1 * runs_out + 0.6 * app - tired,
        "tutorial": -4.2 + 2.2 * new + 1.4 * owns_machine + 0.5 * mail - 0.7 * tired,
        "ask_missing_attribute": -3.8 + 0.8 * mood + 0.6 * mail - tired,
        "apology_voucher": -4.0 + 2.9 * bad + 2.2 * complains + 0.8 * price,
        "service_callback": -4.3 + 3.4 * complains + 1.6 * bad + 0.8 * talks,
        "human_adviser": -4.1 + 1.5 * near + 1.2 * talks + 1.0 * (traits.spend_factor[person] > 1.4),
    }
    annoyance = {
        "no_action": np.full(len(person), -30.0),
        "newsletter_offer": -4.4 + 1.2 * fatigue + 3.0 * complains - 0.8 * mail + 0.9 * bad,
        "app_push_offer": -4.2 + 1.5 * fatigue + 3.0 * complains - 0.6 * app + 0.6 * bad,
        "letter_offer": -5.2 + 0.5 * fatigue + 2.0 * complains,
        "replenishment_reminder": -4.4 + 1.2 * fatigue + 2.5 * complains - 1.0 * runs_out,
        "tutorial": -4.6 + 1.0 * fatigue + 2.0 * complains - 0.8 * new,
        "ask_missing_attribute": -3.9 + 1.2 * fatigue + 2.8 * complains - 0.8 * patience,
        "apology_voucher": -5.5 + 0.4 * fatigue,
        "service_callback": -4.4 + 0.8 * fatigue - 1.2 * complains - 0.8 * talks,
        "human_adviser": -4.2 + 1.0 * fatigue + 1.2 * complains - 1.0 * talks,
    }
    basket = (catalogue.MEDIAN_PRICE * catalogue.MARGIN)[traits.favourite[person]] * traits.spend_factor[person] * 2.6
    keeps = 14.0 * traits.spend_factor[person] * np.sqrt(traits.need_rate[person] / 0.05)
    worth = {
        "newsletter_offer": basket * 0.85,
        "app_push_offer": basket * 0.85,
        "letter_offer": basket * 0.9 + 2,
        "replenishment_reminder": basket,
        "tutorial": keeps * 0.6,
        "ask_missing_attribute": np.full(len(person), 1.5),
        "apology_voucher": keeps - VOUCHER_EUR,
        "service_callback": keeps * 2.0 + 8,
        "human_adviser": basket * 2.0 + 6,
    }
    return _together(person, response, annoyance, worth, reach)


def _together(person, response, annoyance, worth, reach) -> Effects:
    def columns(of: dict[str, np.ndarray], missing: float) -> np.ndarray:
        return np.stack([of.get(name, np.full(len(person), missing)) for name in NAMES], axis=1)

    everybody = np.ones(len(person), np.bool_)
    reachable = np.stack([everybody if c == "none" else reach[c][person] for c in CHANNELS], axis=1)
    responds = np.where(reachable, 1 / (1 + np.exp(-columns(response, -30))), 0.0)
    annoys = np.where(reachable, 1 / (1 + np.exp(-columns(annoyance, -30))), 0.0)
    value = columns(worth, 0.0)
    return Effects(responds, annoys, value, responds * value - annoys * OPT_OUT_EUR - COSTS, reachable)


def outcomes(
    seed: int, day: int, person: np.ndarray, action: np.ndarray, truth: Effects
) -> tuple[np.ndarray, np.ndarray]:
    """Who responds to `action` (index into NAMES, m) and who is annoyed (two bool arrays, m).

    The draw is the person's, day's and action's own, so a counterfactual is the same draw under another action.
    """
    row = np.arange(len(person))
    responds = randomness.uniform(seed, "responds", person, day, action) < truth.response[row, action]
    annoyed = randomness.uniform(seed, "annoyed", person, day, action) < truth.annoyance[row, action]
    return responds, annoyed


def response_day(seed: int, day: int, person: np.ndarray, action: np.ndarray) -> np.ndarray:
    """On which day a response comes: most within a week, some after three; the platform has to wait."""
    late = randomness.uniform(seed, "responds after", person, day, action)
    return day + 1 + np.floor(-np.log1p(-late) * 4).astype(np.int64).clip(0, 25)
