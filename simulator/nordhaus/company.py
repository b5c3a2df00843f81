"""Play the company: everything handed over up to a day, resumable, the same bytes every time."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from simulator.nordhaus import catalogue
from simulator.nordhaus.departments import write_down
from simulator.nordhaus.state import State
from simulator.nordhaus.storage import Storage
from simulator.nordhaus.world import NO_ACTIONS, World

SEED = 20250101


def deliver(
    exports_dir: Path,
    company_dir: Path,
    until: date,
    people: int = 10_000,
    seed: int = SEED,
    actions: tuple[np.ndarray, np.ndarray] = NO_ACTIONS,
    tell: Callable[[int, float], None] = lambda day, seconds: None,
) -> list[Path]:
    """Live every day up to `until` that was not lived yet and write what departments hand over; return the new files.

    `actions` (persons; index into effects.NAMES) are carried out on the first of these days. A run that was killed goes
    on with the day it was in: the evening before was saved, and the day's files are written again with the same bytes.
    `tell` is called with each day that is done and the seconds so far.
    """
    storage = Storage(Path(exports_dir), Path(company_dir))
    saved = storage.company / "state.npz"
    world = World(seed, people, State.load(saved) if saved.exists() else None)
    started, written = time.monotonic(), []
    while world.state.day < catalogue.day_of(until):
        happened = world.live(*actions)
        actions = NO_ACTIONS
        written += write_down(world, happened, storage)
        world.end(happened)
        world.state.save(saved)
        storage.open_until(happened.day)
        tell(happened.day, time.monotonic() - started)
    return written
