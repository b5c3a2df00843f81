"""How much of what a day has: contacts a channel can make, euros a budget holds, and what each action uses of it."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

CONTACTS, EUROS = "contacts", "eur"


@dataclass(frozen=True)
class Limits:
    """m limits of a day over k actions: `usage` (k, m) by one execution of an action, `maximum` (m), `names` (m)."""

    names: list[str]
    usage: np.ndarray
    maximum: np.ndarray

    def __post_init__(self) -> None:
        if (self.usage < 0).any() or (self.maximum < 0).any():
            raise ValueError("A capacity or what an action uses of it is negative.")

    def __bool__(self) -> bool:
        return len(self.names) > 0

    def beside(self, other: "Limits") -> "Limits":
        """Return these limits and others of the same actions."""
        return Limits(
            [*self.names, *other.names],
            np.hstack([self.usage, other.usage]),
            np.append(self.maximum, other.maximum),
        )

    def left(self, action: np.ndarray) -> "Limits":
        """Return what actions (n) that were decided already leave of the day; nothing where they use more."""
        return replace(self, maximum=np.maximum(self.maximum - self.used(action), 0))

    def binding(self, is_eligible: np.ndarray) -> "Limits":
        """Return the limits that could be exceeded at all by one eligible action (n, k) for everybody."""
        most = [np.where(is_eligible, used, 0).max(axis=1, initial=0).sum() for used in self.usage.T]
        kept = np.array(most, dtype=float) > self.maximum + 1e-9
        names = [name for name, is_kept in zip(self.names, kept, strict=True) if is_kept]
        return Limits(names, self.usage[:, kept], self.maximum[kept])

    def used(self, action: np.ndarray) -> np.ndarray:
        """Return what actions (n) use of each limit (m)."""
        return np.bincount(action, minlength=len(self.usage)) @ self.usage

    def classes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the class (k) of each action and the usage (g, m) of each class: what is used alike is one class."""
        usage, of_action = np.unique(self.usage, axis=0, return_inverse=True)
        return of_action.ravel(), usage

    def spendable(self) -> np.ndarray:
        """Return how much of each limit (m) may be planned in expectation, so that no draw goes beyond `maximum`.

        A balanced draw (`ml.nba.balance`) uses each class at most one time more often than expected, rounded up. A
        limit of one class loses only what does not fill a whole execution, one of several an execution of each.
        """
        _, usage = self.classes()
        room = np.empty(len(self.maximum))
        for limit, maximum in enumerate(self.maximum):
            used = usage[usage[:, limit] > 0, limit]
            # A tenth of a cent more than a multiple is that multiple: 3 * 0.1 is more than 0.3.
            whole = used[0] * np.floor(maximum / used[0] + 1e-9) if len(used) == 1 else maximum - used.sum()
            room[limit] = maximum if len(used) == 0 else max(whole, 0.0)
        return room


def limits_of(capacities: pd.DataFrame, actions: pd.DataFrame) -> Limits:
    """Return the limits that `capacities` (channel, action_id, unit, maximum_per_day) puts on `actions` (k).

    An empty channel or action_id means all; unit `contacts` counts executions, `eur` adds up `cost_eur`. Raises
    ValueError for another unit, for a limit that concerns no action, and for two of the same thing.
    """
    names, usage = [], []
    for row in capacities.itertuples():
        concerned = pd.Series(True, actions.index)
        for column, wanted in (("channel", row.channel), ("action_id", row.action_id)):
            concerned &= True if pd.isna(wanted) else actions[column].eq(wanted)
        name = f"{row.unit} of {'all channels' if pd.isna(row.channel) else row.channel}"
        name += "" if pd.isna(row.action_id) else f" for {row.action_id}"
        if row.unit not in (CONTACTS, EUROS):
            raise ValueError(f"Capacity {name}: the unit is {CONTACTS} or {EUROS}.")
        concerned &= actions["action_id"].ne("no_action")
        if not concerned.any():
            raise ValueError(f"Capacity {name} concerns no action.")
        each = actions["cost_eur"].astype(float) if row.unit == EUROS else pd.Series(1.0, actions.index)
        if name in names:
            raise ValueError(f"Capacity {name} stands there twice.")
        names.append(name)
        usage.append(each.where(concerned, 0.0).to_numpy())
    shape = (len(actions), len(names))
    return Limits(names, np.array(usage).T.reshape(shape), capacities["maximum_per_day"].to_numpy(dtype=float))
