"""What each arm would have brought each customer, free of bias though noisy: doubly-robust pseudo-outcomes.

E. Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", EJS 17, 2023: a regression of
their differences on the features estimates the uplift, and their mean under a policy is the policy's value (Athey &
Wager, "Policy learning with observational data", Econometrica 89, 2021).
"""

import numpy as np

from ml.ope.log import Log
from ml.ope.reward_model import cross_fit
from ml.ope.settings import OpeSettings


def pseudo_outcomes(log: Log, settings: OpeSettings) -> np.ndarray:
    """Return the pseudo-outcome (n, k) of every arm: foretold, and for the arm received what the forecast missed.

    The outcomes are foretold by models that have not seen the customer, the propensity is that of the arm received.
    """
    found = cross_fit(log, settings).rewards.copy()
    rows = np.arange(len(log))
    found[rows, log.action] += (log.reward - found[rows, log.action]) / log.propensity
    return found


def shares(action: np.ndarray, arms: int) -> np.ndarray:
    """Return the propensity (n) of the arm received in an experiment with fixed shares."""
    counts = np.bincount(action, minlength=arms)
    return counts[action] / len(action)
