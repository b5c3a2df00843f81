"""How much of a log speaks about a policy, and when it says too little to be believed."""

from dataclasses import asdict, dataclass

import numpy as np

from ml.ope.interval import by_customer
from ml.ope.settings import OpeSettings


@dataclass(frozen=True)
class Overlap:
    """`ess`: how many equally weighted decisions say as much (Kish 1965); `ess_share`: of all n.

    `events`: the same among the decisions whose reward is not the usual one; `mean_weight` is 1 in a right log, and
    `weight_z` says by how many standard errors it is not; `largest_share`: of the heaviest decision in all weight.
    """

    ess: float
    ess_share: float
    events: float
    mean_weight: float
    weight_z: float
    largest_weight: float
    largest_share: float

    def as_metrics(self) -> dict[str, float]:
        """Name the figures for MLflow."""
        return asdict(self)


def overlap(weight: np.ndarray, reward: np.ndarray, customer: np.ndarray | None = None) -> Overlap:
    """Measure importance weights (n): probability under the target over probability under the log."""
    total = weight.sum()
    deviation = by_customer(weight - weight.mean(), customer)
    error = np.sqrt(np.mean(deviation**2) / len(deviation))
    off = abs(weight.mean() - 1)
    return Overlap(
        ess=effective(weight),
        ess_share=effective(weight) / len(weight),
        events=effective(weight[reward != usual(reward)]),
        mean_weight=float(weight.mean()),
        weight_z=float(off / error) if error > 0 else (0.0 if off < 1e-9 else np.inf),
        largest_weight=float(weight.max()),
        largest_share=float(weight.max() / total) if total > 0 else 1.0,
    )


def effective(weight: np.ndarray) -> float:
    """Return the effective sample size (sum w)^2 / sum w^2; 0 if nothing has weight."""
    squares = float(np.sum(weight**2))
    return float(np.sum(weight)) ** 2 / squares if squares > 0 else 0.0


def usual(reward: np.ndarray) -> float:
    """Return the most frequent reward: where most decisions bring nothing, that is nothing."""
    values, counts = np.unique(reward, return_counts=True)
    return float(values[counts.argmax()])


def objection(found: Overlap, settings: OpeSettings) -> str | None:
    """Say why the log is too little to judge by, or None if it is enough."""
    if found.ess < settings.minimum_ess:
        return f"effective sample {found.ess:.0f} below {settings.minimum_ess:g}: the log hardly ever did what it would"
    if found.events < settings.minimum_events:
        return f"only {found.events:.1f} effective events, below {settings.minimum_events:g}"
    if found.weight_z > settings.maximum_weight_z:
        return (
            f"weights average {found.mean_weight:.3f} instead of 1 ({found.weight_z:.1f} standard errors): the log"
            " never draws some of its actions, or the propensities are not those of the draws"
        )
    return None
