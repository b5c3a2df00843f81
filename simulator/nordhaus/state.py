"""Where everybody stands this evening; what the next morning needs to go on, saved whole or not at all."""

from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

NONE, AWARENESS, INTEREST = range(3)
NOBODY = -1

# Orders that something will still happen to, one entry an order; days are days of the world, NOBODY is never.
ORDER_COLUMNS = {
    "person": np.int64,
    "day": np.int64,
    "second": np.int64,
    "category": np.int64,
    "lines": np.int64,
    "total_cents": np.int64,
    "discount_cents": np.int64,
    "paid": np.int64,
    "ships": np.int64,
    "arrives": np.int64,
    "promised": np.int64,
    "cancels": np.int64,
    "returns": np.int64,
    "is_faulty": np.bool_,
    "is_gift": np.bool_,
}


@dataclass
class State:
    """The moving part of every person (arrays of length n), and the open orders (columns of equal length)."""

    day: int
    need: np.ndarray
    phase: np.ndarray
    mood: np.ndarray
    fatigue: np.ndarray
    nudge: np.ndarray
    nudge_category: np.ndarray
    last_purchase: np.ndarray
    open_complaint_until: np.ndarray
    opted_out: np.ndarray
    awaited_person: np.ndarray
    awaited_day: np.ndarray
    consent_withdrawn: np.ndarray
    consent_again: np.ndarray
    orders: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def create(cls, n: int) -> "State":
        """The evening before the first day: nobody wants anything."""
        return cls(
            day=-1,
            need=np.full(n, NOBODY, np.int8),
            phase=np.zeros(n, np.int8),
            mood=np.zeros(n),
            fatigue=np.zeros(n),
            nudge=np.zeros(n),
            nudge_category=np.full(n, NOBODY, np.int8),
            last_purchase=np.full(n, -1000, np.int32),
            open_complaint_until=np.full(n, NOBODY, np.int32),
            opted_out=np.zeros(n, np.bool_),
            awaited_person=np.empty(0, np.int64),
            awaited_day=np.empty(0, np.int64),
            consent_withdrawn=np.empty(0, np.int32),
            consent_again=np.empty(0, np.int32),
            orders={name: np.empty(0, kind) for name, kind in ORDER_COLUMNS.items()},
        )

    def await_responses(self, person: np.ndarray, day: np.ndarray) -> None:
        """Note that each `person` will answer an action on its `day`."""
        self.awaited_person = np.concatenate([self.awaited_person, person])
        self.awaited_day = np.concatenate([self.awaited_day, day])

    def responses_due(self, day: int) -> np.ndarray:
        """Take out who answers on `day` (persons, sorted, once each)."""
        due = self.awaited_day <= day
        who = np.unique(self.awaited_person[due])
        self.awaited_person, self.awaited_day = self.awaited_person[~due], self.awaited_day[~due]
        return who

    def evening(self) -> None:
        """Forget a little: moods calm down in weeks, contacts and nudges wear off in days."""
        self.mood *= 0.97
        self.fatigue *= 0.93
        self.nudge *= 0.75

    def save(self, path: Path) -> None:
        """Write the state beside the target and rename it, so that a killed run leaves the evening before."""
        arrays = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("day", "orders")}
        arrays |= {f"orders.{name}": values for name, values in self.orders.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        with beside.open("wb") as file:
            np.savez(file, day=np.int64(self.day), **arrays)
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "State":
        """Read a saved evening."""
        with np.load(path) as saved:
            whole = {name: saved[name] for name in saved.files}
        orders = {name: whole.pop(f"orders.{name}") for name in ORDER_COLUMNS}
        return cls(day=int(whole.pop("day")), orders=orders, **whole)
