"""What people are like, beyond who they are: how often they need something, where they go, how patient they are."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from simulator.nordhaus import catalogue, randomness

# Needs per person follow a gamma distribution, so purchases are negative binomial as in Ehrenberg's repeat buying and
# in CDNOW (Fader & Hardie): many buy once, few buy often.
NEED_SHAPE = 0.55
NEEDS_PER_DAY = 0.052


@dataclass(frozen=True)
class Traits:
    """Arrays of length n. Shares and propensities are in [0, 1]; `need_rate` is per day; `spend_factor` is around 1."""

    need_rate: np.ndarray
    online: np.ndarray
    app_share: np.ndarray
    patience: np.ndarray
    talkative: np.ndarray
    mail_openness: np.ndarray
    price_sensitivity: np.ndarray
    spend_factor: np.ndarray
    favourite: np.ndarray
    joins_day: np.ndarray
    leaves_day: np.ndarray

    @classmethod
    def create(cls, seed: int, age: np.ndarray) -> "Traits":
        """Draw the traits of all people; `age` (years, n) moves them between the shop and the branch."""
        person = np.arange(len(age))

        def share(purpose: str, power: float = 1.0) -> np.ndarray:
            return randomness.uniform(seed, f"trait/{purpose}", person) ** power

        young = ((60 - age) / 40).clip(0, 1)
        online = (0.15 + 0.75 * share("online", 0.8) * (0.45 + 0.55 * young)).clip(0, 1)
        rate = gammaincinv(NEED_SHAPE, share("need").clip(1e-9, 1 - 1e-9)) / NEED_SHAPE * NEEDS_PER_DAY
        # Four in ten are new since the history began; some stop buying for good (about a third in a year).
        is_new = share("new") < 0.4
        joins = np.where(is_new, randomness.integers(seed, "trait/joins", 400, person), -1)
        lifetime = -np.log1p(-share("lifetime")) * 900
        return cls(
            need_rate=rate.clip(0, 0.5),
            online=online,
            app_share=share("app") * young * 0.8,
            patience=share("patience", 0.7),
            talkative=share("talkative", 2.0),
            mail_openness=share("mail", 1.6),
            price_sensitivity=share("price"),
            spend_factor=np.exp(0.35 * randomness.normal(seed, "trait/spend", person)),
            favourite=randomness.weighted(seed, "trait/favourite", catalogue.DEMAND, person),
            joins_day=joins,
            leaves_day=(joins.clip(0) + lifetime).astype(np.int64),
        )

    def active(self, day: int) -> np.ndarray:
        """Tell who is a customer on `day` (bool, n): joined, and not gone for good."""
        return (self.joins_day <= day) & (day < self.leaves_day)
