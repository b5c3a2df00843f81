"""Choose one action for everybody at once: true probabilities, and a draw that no limit of the day forbids."""

from dataclasses import dataclass

import numpy as np

from ml.nba import explore
from ml.nba.capacity import Limits
from ml.nba.ration import draw_within, ration

SQUARECB, RATIONED = "squarecb", "rationed squarecb"


@dataclass(frozen=True)
class Choice:
    """What is drawn for n customers: the column `action` (n), by `number` (n) from `probability` (n, k).

    Under limits also the column `assigned` (n) globally, the `price` (k) of each action in EUR, the `share` (k) of its
    exploration that the limits allow, and `gap`, how much of the best possible value may be missing; else None and 0.
    """

    action: np.ndarray
    number: np.ndarray
    probability: np.ndarray
    method: str = SQUARECB
    assigned: np.ndarray | None = None
    price: np.ndarray | None = None
    share: np.ndarray | None = None
    gap: float = 0.0


def choose(
    arms: np.ndarray,
    value: np.ndarray,
    is_eligible: np.ndarray,
    numbers: np.ndarray,
    limits: Limits,
    default: int,
    gamma: float,
    scale: float,
    explored_share: float,
    seed: list[int],
) -> Choice:
    """Choose from values in EUR (n, k) by arm (n) and each customer's number (n) in [0, 1).

    `default` is the column of no_action; `seed` makes the bets of a draw under limits. Without limits this is SquareCB,
    each customer for themselves. Raises ValueError if no_action is not eligible for somebody.
    """
    if not limits:
        probability = explore.propensities(arms, value, is_eligible, default, gamma, scale)
        return Choice(explore.pick(probability, numbers), numbers, probability)
    rationed = ration(arms, value, is_eligible, limits, default, gamma, scale, explored_share)
    drawn = draw_within(rationed.probability, limits, numbers, np.random.default_rng(seed))
    return Choice(
        action=explore.pick(rationed.probability, drawn),
        number=drawn,
        probability=rationed.probability,
        method=RATIONED,
        assigned=rationed.assigned,
        price=rationed.price,
        share=rationed.share,
        gap=rationed.gap,
    )
