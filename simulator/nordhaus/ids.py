"""Numbers and codes as each department would give them: each belongs to one owner, and none says anything of it.

A number in a row (card, contact, phone) is a permutation of its owner's index: a Feistel network (Luby, Rackoff: How to
construct pseudorandom permutations, 1988) of four rounds whose round function is a hash draw. So it is unique in a
world of any size without remembering which numbers are taken.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import randomness


def permuted(seed: int, purpose: str, half_bits: int, index: np.ndarray) -> np.ndarray:
    """Return a number in [0, 4 ** half_bits) per distinct `index` in the same range (int64), no two alike."""
    mask = np.int64((1 << half_bits) - 1)
    index = np.asarray(index, dtype=np.int64)
    if index.size and (index.min() < 0 or index.max() >> (2 * half_bits)):
        raise ValueError(f"{purpose}: an index does not fit {2 * half_bits} bits")
    left, right = index >> half_bits, index & mask
    for number in range(4):
        drawn = randomness.bits(seed, purpose, number, right)
        left, right = right, left ^ (drawn >> np.uint64(64 - half_bits)).astype(np.int64)
    return (left << half_bits) | right


def padded(numbers: np.ndarray, digits: int) -> pa.Array:
    """Return the numbers as texts of `digits` digits."""
    return pc.utf8_lpad(_digits(numbers), digits, "0")


def arrow(values: np.ndarray) -> pa.Array:
    """Return an object array as an Arrow text array."""
    return pa.array(values, pa.string())


def _digits(numbers: np.ndarray) -> pa.Array:
    return pc.cast(pa.array(np.asarray(numbers)), pa.string())


def as_texts(values: pa.Array) -> np.ndarray:
    """Return an Arrow text array as an object array."""
    return values.to_numpy(zero_copy_only=False)


def with_check_digit(numbers: np.ndarray) -> np.ndarray:
    """Append the check digit of the Luhn algorithm (ISO/IEC 7812-1) to each number."""
    total = np.zeros(numbers.shape, dtype=np.int64)
    rest, doubled = numbers.copy(), True
    while rest.any():
        digit = (rest % 10) * (2 if doubled else 1)
        total += digit - 9 * (digit > 9)
        rest, doubled = rest // 10, not doubled
    return numbers * 10 + (10 - total % 10) % 10


class Numbers:
    """The ids of a person in the departments, all derived by hash."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def account_id(self, persons: np.ndarray) -> np.ndarray:
        """Shop login: 10 letters and digits."""
        return randomness.codes(self.seed, "account", 10, persons).astype(object)

    def card_no(self, persons: np.ndarray) -> np.ndarray:
        """Loyalty card: 16 digits, 6280 first, the last one a Luhn check digit."""
        numbers = permuted(self.seed, "card", 18, persons)
        return as_texts(_digits(with_check_digit(628_000_000_000_000 + numbers)))

    def contact_no(self, persons: np.ndarray, k: np.ndarray | int = 0) -> np.ndarray:
        """CRM contact: K and 8 digits; `k` (0 to 3) is the contact's number among the person's contacts."""
        numbers = permuted(self.seed, "contact", 13, np.asarray(persons, dtype=np.int64) * 4 + k)
        return as_texts(pc.binary_join_element_wise("K", padded(numbers, 8), ""))

    def install_id(self, persons: np.ndarray, generation: np.ndarray | int = 0) -> np.ndarray:
        """App installation: 32 hexadecimal digits; a new phone is a new `generation`."""
        halves = [randomness.bits(self.seed, f"install/{half}", persons, generation) for half in (0, 1)]
        block = np.ascontiguousarray(np.stack(halves, axis=-1).astype(">u8")).tobytes().hex()
        return as_texts(_cut(block, 32))

    def serial_no(self, persons: np.ndarray) -> np.ndarray:
        """Coffee machine: NB, dash, 12 letters and digits."""
        codes = arrow(randomness.codes(self.seed, "machine", 12, persons))
        return as_texts(pc.binary_join_element_wise("NB", codes, "-"))


def _cut(text: str, width: int) -> pa.Array:
    """Cut an ASCII text into an Arrow array of texts of `width`."""
    count = len(text) // width
    offsets = pa.py_buffer((np.arange(count + 1) * width).astype(np.int32))
    return pa.StringArray.from_buffers(count, offsets, pa.py_buffer(text.encode()))
