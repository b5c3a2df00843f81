"""What a decision brought: net value in EUR over a window, complaints and opt-outs counted against it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prices:
    """What happens to the company, in EUR: a complaint (work and trust), an opt-out (a channel is lost)."""

    complaint_eur: float
    opt_out_eur: float


@dataclass(frozen=True)
class Outcomes:
    """What followed n decisions within their window; `margin_eur` is that of the answers, 0 where nobody answered."""

    responded: np.ndarray
    margin_eur: np.ndarray
    complained: np.ndarray
    opted_out: np.ndarray

    def harm_eur(self, prices: Prices) -> np.ndarray:
        """Return what the unwanted that followed costs (n)."""
        return self.complained * prices.complaint_eur + self.opted_out * prices.opt_out_eur


def net_value(outcomes: Outcomes, cost_eur: np.ndarray, prices: Prices) -> np.ndarray:
    """Return the reward (n): margin of the answer, less the cost of the action (n) and of what it spoiled."""
    return outcomes.margin_eur - cost_eur - outcomes.harm_eur(prices)
