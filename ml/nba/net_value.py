"""The net value of every action for a customer, learned from the ledger: P(response) x worth - expected harm - cost.

Three parts are learned apart, because each is known better than their sum: whether somebody responds, what a response
is worth, and whether the action spoils something. Each starts from what the catalogue assumes of the action.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ml.nba.drift import forgotten
from ml.nba.experience import Catalogue, Experience
from ml.nba.rates import Rates, boosted, chance_of, log_odds, shrunk_means, with_marks

_LEAST_EUR = 0.05  # a response is worth something: logarithms stay finite


class NetValueModel:
    """Fitted on experience, foretells the net value of every action; `settings` is `learning` of nba.yml.

    `counts_anyway`: the experience tells all that followed, also what would have followed no action (a purchase that
    was due). That is learned from the decisions to do nothing; values are what an action adds to it.
    """

    def __init__(
        self, catalogue: Catalogue, settings: Mapping[str, Any], seed: int, counts_anyway: bool = False
    ) -> None:
        self.catalogue, self.settings, self.seed, self.counts_anyway = catalogue, settings, seed, counts_anyway
        self.response: Rates | None = None

    def fit(self, seen: Experience) -> "NetValueModel":
        """Learn from what followed; no_action costs nothing, and teaches only what happens anyway."""
        # On shared cores the linear-algebra threads of the regressions wait for each other.
        with threadpool_limits(1):
            return self._fit(seen)

    def _fit(self, seen: Experience) -> "NetValueModel":
        acted = seen.part(self.catalogue.cost_eur[seen.action] > 0)
        self._fit_anyway(seen.part(self.catalogue.cost_eur[seen.action] == 0))
        told = seen if self.counts_anyway else acted
        each = self.settings["harm_eur"]
        self.harm_each = (told.harm_eur.sum() + each) / ((told.harm_eur > 0).sum() + 1)
        responds, harms = self._anyway(acted.features)
        weight = self.weights(self._foretold_in_all(acted))
        self.response = Rates(self.catalogue.assumed_response, self.settings["response"], self.seed).fit(
            acted.features, acted.action, acted.responded.astype(float), weight, responds
        )
        self.harm = Rates(self.catalogue.assumed_harm_eur / each, self.settings["harm"], self.seed).fit(
            acted.features, acted.action, (acted.harm_eur > 0).astype(float), weight, harms
        )
        self._fit_worth(told.part(told.responded.astype(bool)))
        return self

    def weights(self, seen: Experience) -> np.ndarray:
        """Return how much each decision (n) counts: less with age, hardly anything if its action has drifted since."""
        return np.where(forgotten(seen, len(self.catalogue), self.settings["drift"]),
                        self._fading(seen) * self.settings["drift"]["keeps"], self._fading(seen))  # fmt: skip

    def foretell(self, features: np.ndarray, usual_eur: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return P(response), the worth of a response in EUR and the expected harm in EUR, each (n, k).

        All three are what an action adds. One that seems to keep customers from responding is taken to add nothing.
        """
        everybody = np.ones((len(features), 1))
        response = everybody * self.catalogue.assumed_response
        worth = usual_eur[:, None] * self._ratio()
        harm = everybody * self.catalogue.assumed_harm_eur
        if self.response is None:
            return response, worth, harm
        usual, usual_harm = self.foretell_anyway(features)
        responds, harms = (0.0, 0.0) if not self.counts_anyway else self._anyway(features)
        for action in np.flatnonzero(self.catalogue.cost_eur > 0):
            response[:, action] = np.maximum(self.response.predict(features, action, responds) - usual, 0)
            spoiled = self.harm_each * self.harm.predict(features, action, harms)
            harm[:, action] = np.maximum(spoiled - usual_harm, 0)
            if self.worth is not None:
                inputs = with_marks(features, np.full(len(features), action), len(self.catalogue))
                start = np.log(np.maximum(worth[:, action], _LEAST_EUR)).astype(np.float32)
                worth[:, action] = self.worth.inplace_predict(inputs, base_margin=start)
        return response, worth, harm

    def foretell_anyway(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return P(response) and the expected harm in EUR without any action (n); 0 unless that is counted."""
        if not self.counts_anyway:
            return np.zeros(len(features)), np.zeros(len(features))
        responds, harms = self._anyway(features)
        return chance_of(responds), self.harm_each * chance_of(harms)

    def value(self, features: np.ndarray, usual_eur: np.ndarray) -> np.ndarray:
        """Return the expected net value in EUR (n, k)."""
        response, worth, harm = self.foretell(features, usual_eur)
        return response * worth - harm - self.catalogue.cost_eur

    def _fit_anyway(self, idle: Experience) -> None:
        """Learn what follows a decision to do nothing."""
        if not self.counts_anyway:
            return
        nothing, weight = np.zeros(len(idle), dtype=int), self._fading(idle)
        for name, happened in (("response", idle.responded.astype(float)), ("harm", (idle.harm_eur > 0).astype(float))):
            assumed = np.array([happened.mean() if len(idle) else 0.0])
            rates = Rates(assumed, self.settings[name], self.seed).fit(idle.features, nothing, happened, weight)
            setattr(self, f"{name}_anyway", rates)

    def _anyway(self, features: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return the log-odds (n) of a response and of harm without any action; None if that is not counted."""
        if not self.counts_anyway:
            return None, None
        return tuple(log_odds(rates.predict(features, 0)) for rates in (self.response_anyway, self.harm_anyway))

    def _foretold_in_all(self, seen: Experience) -> Experience:
        """Return the decisions with what was foretold of them in all; where nothing was, as it happened: no miss."""
        usual, usual_harm = self.foretell_anyway(seen.features)
        foretold, harm = usual + seen.foretold_response, usual_harm + seen.foretold_harm_eur
        return replace(
            seen,
            foretold_response=np.where(np.isnan(foretold), seen.responded, foretold),
            foretold_harm_eur=np.where(np.isnan(harm), seen.harm_eur, harm),
        )

    def _fading(self, seen: Experience) -> np.ndarray:
        return 0.5 ** (seen.age_days / self.settings["half_life_days"])

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
