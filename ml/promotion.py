"""Who becomes champion: only a challenger whose gain on held-out weeks is above zero with 95 % confidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml import history, registry, seen_batches
from ml.comparison import Gain
from ml.registry import ModelVersion
from runtime import warehouse


@dataclass(frozen=True)
class Verdict:
    """What was decided about a version, why, and on which figures."""

    version: ModelVersion
    is_promoted: bool
    reason: str
    evidence: Mapping[str, Any]


def judge(
    version: ModelVersion, gain: Gain, opponent: str, minimum_gain: float, evidence: Mapping[str, Any]
) -> Verdict:
    """Promote if the lower bound of the gain in log-loss over `opponent` is above `minimum_gain`.

    Log-loss, because decisions multiply the probability with money: a right order with wrong probabilities loses.
    """
    is_better = gain.low > minimum_gain
    found = f"gain in log-loss over {opponent} {gain.point:.4f}, 95 % interval [{gain.low:.4f}, {gain.high:.4f}]"
    reason = f"promoted: {found}" if is_better else f"refused: {found} does not lie above {minimum_gain}"
    return Verdict(version, is_better, reason, {**evidence, "opponent": opponent, **gain.as_metrics("gain")})


def announce(version: ModelVersion, as_of: date, evidence: Mapping[str, Any]) -> None:
    """Keep which batches a freshly trained version saw, and make it the challenger, in registry and history.

    A champion stays one. What a human withdrew does not come back by being trained again from the same data.
    """
    current = registry.aliased(version.name, registry.CHAMPION)
    with warehouse.transaction() as connection:
        seen_batches.keep(connection, version, as_of)
        if history.is_withdrawn(connection, version) or current is not None and current.version == version.version:
            return
        history.append(
            connection, version, registry.CHALLENGER, as_of, "training", "trained and waiting for a verdict", evidence
        )
        registry.set_alias(version, registry.CHALLENGER)


def carry_out(verdict: Verdict, as_of: date, promoted_by: str) -> Verdict:
    """Write the verdict to the history and move the alias; the history rolls back if the registry does not follow."""
    with warehouse.transaction() as connection:
        alias = registry.CHAMPION if verdict.is_promoted else "refused"
        history.append(connection, verdict.version, alias, as_of, promoted_by, verdict.reason, verdict.evidence)
        if verdict.is_promoted:
            registry.set_alias(verdict.version, registry.CHAMPION)
            registry.drop_alias(verdict.version, registry.CHALLENGER)
    return verdict


def waiting(name: str) -> ModelVersion | None:
    """Return the challenger that waits for a verdict, or None if the newest version is champion already.

    Raises RegistryError if the model was never trained.
    """
    found = registry.aliased(name, registry.CHALLENGER)
    if found is None and registry.aliased(name, registry.CHAMPION) is None:
        raise registry.RegistryError(f"Model {name} has no version to promote. Train it first.")
    return found
