"""How well a ranking finds those whom an action helps: uplift curve, AUUC and Qini, doubly robust.

N. Radcliffe, "Using control groups to target on predicted lift", Direct Marketing Analytics Journal, 2007. With
pseudo-uplifts in place of raw outcomes they are right for any known propensities, and as the areas are weighted means
their intervals follow.
"""

from dataclasses import dataclass

import numpy as np

from ml.ope.interval import Interval, mean_interval


@dataclass(frozen=True)
class UpliftCurve:
    """`share` (m) of customers acted on, best first, and the `gain` (m) per customer of all, in the outcome's unit.

    `auuc` is the area under the gain, `qini` what of it lies above the straight line of a random order.
    """

    share: np.ndarray
    gain: np.ndarray
    auuc: Interval
    qini: Interval


def uplift_curve(score: np.ndarray, uplift: np.ndarray, confidence: float = 0.95) -> UpliftCurve:
    """Rank by `score` (n), highest first, and add up the pseudo-uplifts (n); equal scores share their places."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.append(True, np.diff(ranked) != 0))
    counts = np.diff(np.append(starts, len(ranked)))
    # Customer i at place p(i) is under the curve for the share 1 - p(i) of all places: AUUC = mean(uplift * (1 - p)).
    middle = np.repeat((starts + counts / 2) / len(ranked), counts)
    place = np.empty(len(score))
    place[order] = middle
    ends = starts + counts
    gain = np.cumsum(uplift[order])[ends - 1] / len(score)
    return UpliftCurve(
        np.append(0, ends / len(score)),
        np.append(0, gain),
        mean_interval(uplift * (1 - place), None, confidence),
        mean_interval(uplift * (0.5 - place), None, confidence),
    )
