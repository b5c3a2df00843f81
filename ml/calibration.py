"""Turn a learner's score into a probability that holds: identity, sigmoid, beta or isotonic, whichever holds up.

Sigmoid: Platt 1999. Beta: Kull, Silva Filho, Flach, AISTATS 2017. Isotonic: Zadrozny & Elkan, KDD 2002.
"""

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ml.metrics import log_loss

METHODS = ("identity", "sigmoid", "beta", "isotonic")
_EDGE = 1e-4  # no customer is surer than 1 in 10,000 on the evidence of some ten thousand rows


class Calibrator:
    """A monotone map from score to probability, fitted on weeks that the learner has not seen."""

    def __init__(self, method: str) -> None:
        if method not in METHODS:
            raise ValueError(f"Calibration {method} is unknown; choose one of {', '.join(METHODS)}.")
        self.method = method
        self.map = None

    def fit(self, score: np.ndarray, label: np.ndarray) -> "Calibrator":
        """Fit the map on scores in [0, 1] (n) and labels 0/1 (n)."""
        if self.method == "isotonic":
            self.map = IsotonicRegression(y_min=_EDGE, y_max=1 - _EDGE, out_of_bounds="clip").fit(score, label)
        elif self.method != "identity":
            # C is large: the map must follow the data, the two or three coefficients need no shrinking.
            self.map = LogisticRegression(C=1e4).fit(self._inputs(score), label)
        return self

    def transform(self, score: np.ndarray) -> np.ndarray:
        """Return probabilities (n) strictly between 0 and 1."""
        if self.method == "identity":
            mapped = score
        elif self.method == "isotonic":
            mapped = self.map.predict(score)
        else:
            mapped = self.map.predict_proba(self._inputs(score))[:, 1]
        return np.clip(np.asarray(mapped, dtype=float), _EDGE, 1 - _EDGE)

    def _inputs(self, score: np.ndarray) -> np.ndarray:
        inside = np.clip(np.asarray(score, dtype=float), 1e-6, 1 - 1e-6)
        if self.method == "sigmoid":
            return np.log(inside / (1 - inside))[:, None]
        return np.column_stack([np.log(inside), -np.log1p(-inside)])


def choose_calibrator(score: np.ndarray, label: np.ndarray, block: np.ndarray) -> tuple[Calibrator, dict[str, float]]:
    """Fit the method with the smallest log-loss on blocks of time it was not fitted on.

    Arguments are aligned arrays (n) of the validation part; `block` tells halves of the weeks, or campaigns, apart.
    Returns the calibrator, fitted on all of them, and the left-out log-loss of each method. A tie goes to the simpler
    one, which stands first in METHODS. Blocks are of time because rates drift: customers left out would not show it.
    """
    losses = {}
    for method in METHODS:
        held_out = np.empty(len(score))
        for left_out in np.unique(block):
            rest = block == left_out
            held_out[rest] = Calibrator(method).fit(score[~rest], label[~rest]).transform(score[rest])
        losses[method] = log_loss(label, held_out)
    best = min(METHODS, key=losses.__getitem__)
    return Calibrator(best).fit(score, label), losses
