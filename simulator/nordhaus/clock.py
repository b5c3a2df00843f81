"""When in a day things happen: by the habits of people at home, of branches, of the contact centre. All in UTC."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from simulator.nordhaus import catalogue, randomness

BERLIN = ZoneInfo("Europe/Berlin")
EPOCH_OF_FIRST_DAY = int(datetime.combine(catalogue.FIRST_DAY, datetime.min.time(), UTC).timestamp())
# Weight of each local hour from midnight on. Shops open 9 to 20, the contact centre 7 to 21.
HABITS = {
    "home": (6, 3, 2, 1, 1, 2, 5, 9, 12, 14, 15, 15, 18, 16, 15, 16, 18, 21, 24, 30, 34, 33, 24, 13),
    "branch": (0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 10, 13, 14, 11, 10, 11, 13, 16, 15, 9, 0, 0, 0, 0),
    "contact": (0, 0, 0, 0, 0, 0, 0, 5, 14, 18, 19, 16, 12, 12, 13, 13, 13, 12, 10, 8, 5, 0, 0, 0),
}


@cache
def utc_offset(day: int) -> int:
    """Seconds that Berlin is ahead of UTC at noon of `day`; the hour of the change itself is not played."""
    noon = datetime.combine(catalogue.date_of(day), datetime.min.time(), BERLIN).replace(hour=12)
    return int(noon.utcoffset().total_seconds())


def seconds_of_day(seed: int, purpose: str, habit: str, *keys: np.ndarray | int) -> np.ndarray:
    """Return a local second of the day per element of `keys` (int64, 0 to 86399), by a habit of HABITS."""
    hour = randomness.weighted(seed, f"{purpose}/hour", np.array(HABITS[habit], dtype=float), *keys)
    return hour * 3600 + randomness.integers(seed, f"{purpose}/second", 3600, *keys)


def epoch(day: np.ndarray | int, second: np.ndarray | int) -> np.ndarray:
    """Return seconds since 1970 (UTC) of a local second of a day of the world; `second` may pass midnight."""
    days = np.asarray(day, dtype=np.int64)
    offsets = {int(one): utc_offset(int(one)) for one in np.unique(days)}
    offset = np.vectorize(offsets.get, otypes=[np.int64])(days) if days.ndim else offsets[int(days)]
    return EPOCH_OF_FIRST_DAY + days * 86400 + np.asarray(second, dtype=np.int64) - offset


def iso_utc(epoch_seconds: np.ndarray) -> np.ndarray:
    """Write seconds since 1970 as 2025-01-31T09:05:00Z (text)."""
    return np.char.add(np.datetime_as_string(epoch_seconds.astype("datetime64[s]")), "Z")
