"""Who plays the loop bench: ours, a frozen copy, propensity-only, rules, random; each with a ledger of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bench.planted.town import NO_ACTION, WEEK, Monday, Town
from ml.nba import explore
from ml.nba.capacity import Limits, limits_of
from ml.nba.choose import Choice, choose
from ml.nba.experience import Catalogue, Experience
from ml.nba.model import NbaSettings
from ml.nba.net_value import NetValueModel
from ml.nba.reward import Outcomes, Prices, net_value
from simulator.nordhaus import effects

OURS, FROZEN, PROPENSITY, RULES, RANDOM = "ours", "frozen", "propensity_only", "rules", "random"
# What campaign management might assume before anything was tried: three in a hundred answer, service more often; a
# response is worth about a usual basket (service more), and one contact in a hundred costs the permission.
_RESPONSE = {"apology_voucher": 0.10, "service_callback": 0.10, "human_adviser": 0.05}
_WORTH = {
    **{"tutorial": 0.3, "ask_missing_attribute": 0.1, "apology_voucher": 0.5},
    **{"service_callback": 2.0, "human_adviser": 2.0},
}
CATALOGUE = Catalogue(
    cost_eur=effects.COSTS,
    response_value_eur=np.array([0.0 if name == "no_action" else _WORTH.get(name, 1.0) for name in effects.NAMES]),
    assumed_response=np.array([0.0 if name == "no_action" else _RESPONSE.get(name, 0.03) for name in effects.NAMES]),
    assumed_harm_eur=np.where(effects.COSTS > 0, 0.01 * effects.OPT_OUT_EUR, 0.0),
)
PRICES = Prices(complaint_eur=5.0, opt_out_eur=effects.OPT_OUT_EUR)
# Contacts a week that letters and phone allow, per customer; without limits the oracle would use 0.12 and 0.01.
SHORT = {"letter": 0.08, "phone": 0.005}


def limits_for(customers: int) -> Limits:
    """Return the capacities of a week for so many customers."""
    rows = [(channel, None, "contacts", np.floor(share * customers)) for channel, share in SHORT.items()]
    capacities = pd.DataFrame(rows, columns=["channel", "action_id", "unit", "maximum_per_day"])
    actions = pd.DataFrame({"action_id": effects.NAMES, "channel": effects.CHANNELS, "cost_eur": effects.COSTS})
    return limits_of(capacities, actions)


@dataclass
class Contender:
    """A policy with its ledger. `learns_until` is the last round whose outcomes it sees."""

    name: str
    settings: NbaSettings
    wishes: Callable[["Contender", Monday], np.ndarray]
    learns_until: int = 0
    arm: str = explore.POLICY
    gamma: float | None = None
    model: NetValueModel | None = None
    ledger: list[tuple[int, Experience]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = NetValueModel(CATALOGUE, self.settings.learning, self.settings.seed)

    def choose(self, monday: Monday, is_eligible: np.ndarray, arms: np.ndarray, numbers: np.ndarray) -> Choice:
        """Choose for everybody by the platform's own functions."""
        if self.arm != explore.POLICY:
            arms = np.where(arms == explore.HOLDOUT, arms, self.arm)
        gamma = 16 * np.sqrt(len(arms)) if self.gamma is None else self.gamma
        return choose(arms, self.wishes(self, monday), is_eligible, numbers, limits_for(len(arms)), NO_ACTION, gamma,
                      self.settings.reward_scale_eur, self.settings.explored_share, [monday.day, 7])  # fmt: skip

    def learn(self, number: int, monday: Monday, choice: Choice, town: Town) -> np.ndarray:
        """Take in what followed, learn from the whole ledger, and return the reward (n) of the week's decisions."""
        followed = town.outcomes(monday, choice.action)
        quiet = np.zeros(len(choice.action))
        seen = Outcomes(followed.responded, followed.margin_eur, quiet, followed.opted_out)
        if number <= self.learns_until:
            row = np.arange(len(choice.action)), choice.action
            response, _, harm = self.model.foretell(monday.features, usual(monday))
            experience = Experience(monday.features, choice.action, usual(monday), seen.responded, seen.margin_eur,
                                    seen.harm_eur(PRICES), quiet, response[row], harm[row])  # fmt: skip
            self.ledger.append((monday.day, experience))
            now = monday.day + WEEK
            aged = [replace(part, age_days=np.full(len(part), float(now - day))) for day, part in self.ledger]
            self.model = NetValueModel(CATALOGUE, self.settings.learning, self.settings.seed)
            self.model.fit(Experience.together(aged))
        return net_value(seen, CATALOGUE.cost_eur[choice.action], PRICES)


def contenders(settings: NbaSettings, rounds: int, frozen_after: int) -> list[Contender]:
    """Return all of them, untaught."""
    return [
        Contender(OURS, settings, expected, learns_until=rounds),
        Contender(FROZEN, settings, expected, learns_until=frozen_after),
        Contender(PROPENSITY, settings, likeliest, learns_until=rounds),
        Contender(RULES, settings, by_rules, gamma=1e9),
        Contender(RANDOM, settings, nothing_known, arm=explore.RANDOM),
    ]


def usual(monday: Monday) -> np.ndarray:
    """Return what a basket of each customer usually brings in EUR (n)."""
    return monday.features[:, monday.names.index("usual_margin_eur")].astype(float)


def expected(contender: Contender, monday: Monday) -> np.ndarray:
    """Wish what is expected to bring most, in EUR (n, k)."""
    return contender.model.value(monday.features, usual(monday)).round(4)


def likeliest(contender: Contender, monday: Monday) -> np.ndarray:
    """Wish what is answered most, whatever it costs, brings or spoils; the probability stands for ten EUR."""
    response, _, _ = contender.model.foretell(monday.features, usual(monday))
    return response * contender.settings.reward_scale_eur


def by_rules(contender: Contender, monday: Monday) -> np.ndarray:
    """Wish what a campaign manager writes down: the first rule that fits a customer names the action."""
    known = dict(zip(monday.names, monday.features.T, strict=True))
    rules = [
        ("service_callback", known["open_cases"] > 0),
        ("apology_voucher", known["tickets_28d"] > 0),
        ("replenishment_reminder", np.abs(known["days_to_repurchase"]) <= 7),
        ("tutorial", (known["recency_days"] < 14) & (known["buys_coffee_machines"] > 0)),
        ("app_push_offer", known["compares_3d"] > 0),
        ("newsletter_offer", known["sessions_3d"] > 0),
        ("letter_offer", (known["recency_days"] > 60) & (known["recency_days"] < 365)),
    ]
    wished = np.zeros((len(monday.person), len(effects.NAMES)))
    # An earlier rule wins wherever both may be carried out; without any rule nothing is done.
    for rank, (action, fits) in enumerate(reversed(rules), start=1):
        wished[fits, effects.NAMES.index(action)] = rank
    wished[:, [n for n, name in enumerate(effects.NAMES) if name not in dict(rules)]] -= 1
    wished[:, NO_ACTION] = 0
    return wished


def nothing_known(contender: Contender, monday: Monday) -> np.ndarray:
    """Wish nothing in particular."""
    return np.zeros((len(monday.person), len(effects.NAMES)))
