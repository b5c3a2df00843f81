"""Draws that depend on what they are for, not on what was drawn before.

Every draw is a hash of the seed, a purpose and the keys it is for (person, day, number). So a person lives the same
life in a world of any size, days can be skipped, and two runs give the same bytes. The hash is SplitMix64's finaliser
(Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014), chained over the keys.
"""

import zlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# No 0 and O, no 1 and I: people read these numbers to each other on the phone.
_ALPHABET = np.frombuffer(b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ", dtype="S1")


def bits(seed: int, purpose: str, *keys: np.ndarray | int) -> np.ndarray:
    """Return 64 random bits per element of the broadcast integer `keys` (uint64)."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) * _GOLDEN + np.uint64(zlib.crc32(purpose.encode()))
        state = _mix(np.asarray(state, dtype=np.uint64))
        for key in keys:
            state = _mix(state ^ (np.asarray(key).astype(np.int64).astype(np.uint64) + _GOLDEN))
    return state


def uniform(seed: int, purpose: str, *keys: np.ndarray | int) -> np.ndarray:
    """Return a number in [0, 1) per element of the broadcast `keys` (float64)."""
    return (bits(seed, purpose, *keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def integers(seed: int, purpose: str, below: np.ndarray | int, *keys: np.ndarray | int) -> np.ndarray:
    """Return an integer in [0, below) per element of the broadcast `keys` (int64)."""
    return (uniform(seed, purpose, *keys) * below).astype(np.int64)


def normal(seed: int, purpose: str, *keys: np.ndarray | int) -> np.ndarray:
    """Return a standard normal number per element of the broadcast `keys` (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log1p(-uniform(seed, purpose, *keys)))
    return radius * np.cos(2.0 * np.pi * uniform(seed, purpose + "/angle", *keys))


def weighted(seed: int, purpose: str, weights: np.ndarray, *keys: np.ndarray | int) -> np.ndarray:
    """Return an index into `weights` (any positive scale) per element of the broadcast `keys` (int64)."""
    ends = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(ends, uniform(seed, purpose, *keys) * ends[-1], side="right").clip(0, len(ends) - 1)


def poisson(seed: int, purpose: str, rate: np.ndarray, *keys: np.ndarray | int) -> np.ndarray:
    """Return a Poisson count per element by inversion; `rate` is small (below about 10), counts stop at 30."""
    left = uniform(seed, purpose, *keys)
    term = np.exp(-np.asarray(rate, dtype=np.float64)) * np.ones_like(left)
    count = np.zeros(left.shape, dtype=np.int64)
    for number in range(1, 31):
        more = left >= term
        if not more.any():
            break
        count += more
        left = np.where(more, left - term, -1.0)
        term = term * rate / number
    return count


def codes(seed: int, purpose: str, length: int, *keys: np.ndarray | int) -> np.ndarray:
    """Return a code of `length` (at most 12) signs per element: an id that says nothing about its owner."""
    number = bits(seed, purpose, *keys)
    letters = [(number >> np.uint64(5 * place)) & np.uint64(31) for place in range(length)]
    block = np.stack([_ALPHABET[letter.astype(np.intp)] for letter in letters], axis=-1)
    return np.ascontiguousarray(block).view(f"S{length}")[..., 0].astype("U")


def _mix(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
