"""The net value of every action for a customer, learned from the ledger: P(response) x worth - expected harm - cost.

Three parts are learned apart, because each is known better than their sum: whether somebody responds, what a response
is worth, and whether the action spoils something. Each starts from what the catalogue assumes of the action.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ml.nba.drift import forgotten
from ml.nba.experience import Catalogue, Experience
from ml.nba.rates import Rates, boosted, shrunk_means, with_marks

_LEAST_EUR = 0.05  # a response is worth something: logarithms stay finite


class NetValueModel:
    """Fitted on experience, foretells the net value of every action; `settings` is `learning` of nba.yml."""

    def __init__(self, catalogue: Catalogue, settings: Mapping[str, Any], seed: int) -> None:
        self.catalogue, self.settings, self.seed = catalogue, settings, seed
        self.response: Rates | None = None

    def fit(self, seen: Experience) -> "NetValueModel":
        """Learn from what followed; no_action costs nothing, brings nothing and teaches nothing."""
        # On shared cores the linear-algebra threads of the regressions wait for each other.
        with threadpool_limits(1):
            return self._fit(seen)

    def _fit(self, seen: Experience) -> "NetValueModel":
        seen = seen.part(self.catalogue.cost_eur[seen.action] > 0)
        weight = self.weights(seen)
        harmed = seen.harm_eur > 0
        each = self.settings["harm_eur"]
        self.harm_each = (seen.harm_eur.sum() + each) / (harmed.sum() + 1)
        self.response = Rates(self.catalogue.assumed_response, self.settings["response"], self.seed).fit(
            seen.features, seen.action, seen.responded.astype(float), weight
        )
        self.harm = Rates(self.catalogue.assumed_harm_eur / each, self.settings["harm"], self.seed).fit(
            seen.features, seen.action, harmed.astype(float), weight
        )
        self._fit_worth(seen.part(seen.responded.astype(bool)))
        return self

    def weights(self, seen: Experience) -> np.ndarray:
        """Return how much each decision (n) counts: less with age, hardly anything if its action has drifted since."""
        fading = 0.5 ** (seen.age_days / self.settings["half_life_days"])
        return np.where(forgotten(seen, len(self.catalogue), self.settings["drift"]),
                        fading * self.settings["drift"]["keeps"], fading)  # fmt: skip

    def foretell(self, features: np.ndarray, usual_eur: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return P(response), the worth of a response in EUR and the expected harm in EUR, each (n, k)."""
        everybody = np.ones((len(features), 1))
        response = everybody * self.catalogue.assumed_response
        worth = usual_eur[:, None] * self._ratio()
        harm = everybody * self.catalogue.assumed_harm_eur
        if self.response is None:
            return response, worth, harm
        for action in np.flatnonzero(self.catalogue.cost_eur > 0):
            response[:, action] = self.response.predict(features, action)
            harm[:, action] = self.harm_each * self.harm.predict(features, action)
            if self.worth is not None:
                inputs = with_marks(features, np.full(len(features), action), len(self.catalogue))
                start = np.log(np.maximum(worth[:, action], _LEAST_EUR)).astype(np.float32)
                worth[:, action] = self.worth.inplace_predict(inputs, base_margin=start)
        return response, worth, harm

    def value(self, features: np.ndarray, usual_eur: np.ndarray) -> np.ndarray:
        """Return the expected net value in EUR (n, k)."""
        response, worth, harm = self.foretell(features, usual_eur)
        return response * worth - harm - self.catalogue.cost_eur

    def _ratio(self) -> np.ndarray:
        """Return the worth (k) of a response per EUR that the customer usually brings."""
        return self.ratio if self.response is not None else self.catalogue.response_value_eur

    def _fit_worth(self, answers: Experience) -> None:
        """Learn what a response is worth, as a multiple of what the customer usually brings."""
        usual = np.maximum(answers.usual_eur, _LEAST_EUR)
        paid = np.maximum(answers.margin_eur, _LEAST_EUR)
        # A ratio of sums, not a mean of ratios: customers who bring much weigh much.
        prior = self.settings["prior_responses"] * float(usual.mean() if len(usual) else 1)
        self.ratio = shrunk_means(answers.action, paid / usual, usual, self.catalogue.response_value_eur, prior)
        self.worth = None
        if len(answers) >= self.settings["minimum_responses"]:
            start = np.log(np.maximum(usual * self.ratio[answers.action], _LEAST_EUR))
            inputs = with_marks(answers.features, answers.action, len(self.catalogue))
            self.worth = boosted(
                inputs, paid, np.ones(len(paid)), start, "reg:gamma", self.settings["worth_trees"], self.seed
            )
