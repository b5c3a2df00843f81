"""What a learned assignment of arms is worth on customers whom it has not seen."""

from dataclasses import dataclass

import numpy as np

from ml.ope.interval import Interval, mean_interval
from ml.ope.log import Log
from ml.ope.settings import OpeSettings
from ml.uplift.curve import UpliftCurve, uplift_curve
from ml.uplift.learn import SINGLE, Learned, best_arm
from ml.uplift.outcomes import pseudo_outcomes
from ml.uplift.settings import UpliftSettings

NONE_FOUND = "no useful heterogeneity"


@dataclass(frozen=True)
class Worth:
    """Values per customer in the outcome's unit: of the policy, the best single arm and a uniform draw of arms.

    `gain` is the policy over the best single arm, paired; `is_useful` if its lower bound lies above 0: only then is
    there reason to tell customers apart. `verdict` says so in words. `outcome` (n, k) are the pseudo-outcomes.
    """

    policy: Interval
    single: Interval
    single_arm: int
    random: Interval
    gain: Interval
    curve: UpliftCurve
    is_useful: bool
    verdict: str
    outcome: np.ndarray


def evaluate(learned: Learned, log: Log, control: int, settings: UpliftSettings, nuisance: OpeSettings) -> Worth:
    """Evaluate on `log`, none of whose customers `learned` has seen."""
    outcome = pseudo_outcomes(log, nuisance)
    rows = np.arange(len(log))
    foretold = learned.uplift(log.features)
    single_arm = int(best_arm(learned.models[SINGLE].predict(log.features[:1]))[0])
    earned, alike = outcome[rows, best_arm(foretold)], outcome[:, single_arm]

    def interval(values: np.ndarray) -> Interval:
        return mean_interval(values, log.customer, settings.confidence)

    gain = interval(earned - alike)
    treatments = np.delete(foretold, control, axis=1)
    best_treatment = np.delete(np.arange(log.actions), control)[treatments.argmax(axis=1)]
    curve = uplift_curve(
        treatments.max(axis=1), outcome[rows, best_treatment] - outcome[:, control], settings.confidence
    )
    is_useful = gain.low > 0
    found = f"{gain.estimate:.4g} [{gain.low:.4g}, {gain.high:.4g}] per customer over the best single arm"
    if learned.chosen == SINGLE:
        verdict = f"{NONE_FOUND}: no learner beat the best single arm where it was fitted"
    else:
        verdict = f"useful heterogeneity: {found}" if is_useful else f"{NONE_FOUND}: {found}"
    return Worth(
        interval(earned), interval(alike), single_arm, interval(outcome.mean(axis=1)), gain, curve, is_useful, verdict,
        outcome,
    )  # fmt: skip
