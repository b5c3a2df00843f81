"""What off-policy evaluation learns from: logged decisions with the true probability of what was drawn."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Log:
    """n decisions among k actions.

    `action` (n) is the column of the drawn action, `reward` (n) what came of it (any unit), `propensity` (n) the
    probability with which it was drawn, `features` (n, d) what was known before, `customer` (n) whose decision it is:
    decisions of one customer are not independent. Raises ValueError for what cannot be a log.
    """

    action: np.ndarray
    reward: np.ndarray
    propensity: np.ndarray
    actions: int
    features: np.ndarray | None = None
    customer: np.ndarray | None = None

    def __post_init__(self) -> None:
        size = len(self.action)
        for name in ("reward", "propensity", "features", "customer"):
            column = getattr(self, name)
            if column is not None and len(column) != size:
                raise ValueError(f"{name} has {len(column)} rows, the log has {size}.")
        if size == 0:
            raise ValueError("The log is empty.")
        if self.action.min() < 0 or self.action.max() >= self.actions:
            raise ValueError(f"An action lies outside 0 to {self.actions - 1}.")
        if not ((self.propensity > 0) & (self.propensity <= 1)).all():
            raise ValueError("A propensity lies outside (0, 1]: what was drawn had a chance.")
        if not np.isfinite(self.reward).all():
            raise ValueError("A reward is missing. Leave decisions out whose outcome is not known yet.")

    def __len__(self) -> int:
        return len(self.action)

    def paying(self, reward: np.ndarray) -> "Log":
        """Return the same decisions with another outcome, as a complaint (n)."""
        return replace(self, reward=np.asarray(reward, dtype=float))

    def part(self, rows: np.ndarray) -> "Log":
        """Return some of the decisions, given as a mask or positions."""
        columns = ("action", "reward", "propensity", "features", "customer")
        return replace(self, **{name: _taken(getattr(self, name), rows) for name in columns})

    def drawn(self, policy: np.ndarray) -> np.ndarray:
        """Return the probability (n) that `policy` (n, k) gives to what was drawn; raises ValueError if it is none."""
        if policy.shape != (len(self), self.actions):
            raise ValueError(f"The policy is {policy.shape}, the log {(len(self), self.actions)}.")
        if not ((policy >= 0).all() and np.allclose(policy.sum(axis=1), 1, atol=1e-4)):
            raise ValueError("The probabilities of a policy are not negative and sum to 1 in every decision.")
        return policy[np.arange(len(self)), self.action]


def _taken(column: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if column is None else column[rows]
