"""What a policy would have brought, from decisions that another one drew: SNIPS and doubly robust.

SNIPS: Swaminathan & Joachims, "The Self-Normalized Estimator for Counterfactual Learning", NeurIPS 2015.
Doubly robust: Dudík, Langford & Li, "Doubly Robust Policy Evaluation and Learning", ICML 2011; cross-fitted as in
Chernozhukov et al., "Double/debiased machine learning", Econometrics Journal 21, 2018.
"""

from dataclasses import asdict, dataclass

import numpy as np

from ml.ope.interval import Interval, mean_interval
from ml.ope.log import Log
from ml.ope.overlap import Overlap, objection, overlap
from ml.ope.reward_model import Foretold
from ml.ope.settings import OpeSettings

# The policy that drew the log: its value is the mean reward, whatever is known of its other probabilities.
LOGGED = None


@dataclass(frozen=True)
class Estimate:
    """The value per decision (or the difference of two) by doubly robust and by SNIPS, and whether to believe it.

    `per_decision` (n) are the doubly-robust values whose mean the estimate is.
    """

    interval: Interval
    snips: Interval
    reward_model: str
    overlap: Overlap
    refusal: str | None
    per_decision: np.ndarray

    @property
    def is_refused(self) -> bool:
        return self.refusal is not None

    def as_metrics(self, name: str) -> dict[str, float]:
        """Name the figures for MLflow."""
        return {
            name: self.interval.estimate,
            f"{name}_low": self.interval.low,
            f"{name}_high": self.interval.high,
            f"{name}_snips": self.snips.estimate,
            **{f"{name}_{key}": value for key, value in asdict(self.overlap).items()},
        }


def value(log: Log, policy: np.ndarray | None, foretold: Foretold, settings: OpeSettings) -> Estimate:
    """Estimate the mean reward per decision of `policy` (n, k); `foretold` comes from `reward_model.cross_fit`."""
    weight = weights(log, policy)
    values = doubly_robust(log, policy, foretold.rewards)
    interval = mean_interval(values, log.customer, settings.confidence)
    snips = mean_interval(self_normalised(log, weight), log.customer, settings.confidence)
    seen = overlap(weight, log.reward, log.customer)
    return Estimate(interval, snips, foretold.learner, seen, objection(seen, settings), values)


def difference(
    log: Log,
    challenger: np.ndarray,
    champion: np.ndarray | None,
    foretold: Foretold,
    settings: OpeSettings,
) -> Estimate:
    """Estimate by how much `challenger` (n, k) beats `champion` (n, k, or LOGGED) per decision, paired by decision.

    What both would do alike cancels. The overlap is that of the policy of which the log says less.
    """
    rewards = foretold.rewards
    gained = doubly_robust(log, challenger, rewards) - doubly_robust(log, champion, rewards)
    interval = mean_interval(gained, log.customer, settings.confidence)
    ours, theirs = weights(log, challenger), weights(log, champion)
    snips = mean_interval(self_normalised(log, ours) - self_normalised(log, theirs), log.customer, settings.confidence)
    both = [overlap(weight, log.reward, log.customer) for weight in (ours, theirs)]
    refusal = next((why for why in (objection(seen, settings) for seen in both) if why), None)
    return Estimate(interval, snips, foretold.learner, min(both, key=lambda seen: seen.ess), refusal, gained)


def weights(log: Log, policy: np.ndarray | None) -> np.ndarray:
    """Return the importance weights (n)."""
    return np.ones(len(log)) if policy is LOGGED else log.drawn(policy) / log.propensity


def doubly_robust(log: Log, policy: np.ndarray | None, rewards: np.ndarray) -> np.ndarray:
    """Return values (n) whose mean is the doubly-robust estimate; `rewards` (n, k) are foretold for every action."""
    if policy is LOGGED:
        return log.reward
    missed = log.reward - rewards[np.arange(len(log)), log.action]
    return (policy * rewards).sum(axis=1) + weights(log, policy) * missed


def self_normalised(log: Log, weight: np.ndarray) -> np.ndarray:
    """Return values (n) whose mean is the SNIPS estimate and whose spread is that of its influence function."""
    if not weight.any():
        return np.zeros(len(log))
    estimate = float(weight @ log.reward / weight.sum())
    return estimate + weight * (log.reward - estimate) / weight.mean()
