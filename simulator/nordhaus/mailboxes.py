"""E-mail addresses as people choose them: from their names, with years and numbers, no two persons with one address.

All domains end in .example (RFC 2606), so nothing that a channel sends by mistake can reach anybody.
"""

import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.nordhaus import ids, randomness

DOMAINS = {
    "gmx.example": 22, "web.example": 20, "gmail.example": 22, "t-online.example": 11, "outlook.example": 7,
    "icloud.example": 5, "yahoo.example": 4, "freenet.example": 3, "hotmail.example": 3, "googlemail.example": 2,
    "mail.example": 1, "posteo.example": 1, "arcor.example": 1,
}  # fmt: skip
# What stands left, the separator, what stands right, the digits; and how many of 100 choose it.
PATTERNS = (
    ("first", ".", "last", "", 36), ("first", "", "last", "", 9), ("f", ".", "last", "", 13),
    ("last", ".", "first", "", 6), ("first", "_", "last", "", 5), ("first", ".", "last", "year", 12),
    ("f", "", "last", "year", 7),
    ("last", "", "", "number", 5), ("first", "", "", "number", 4), ("first", "-", "last", "", 3),
)  # fmt: skip


def slug(text: str, keeps_umlaut_e: bool = True) -> str:
    """Return the letters and digits of a name as they may stand in an address: Müller is mueller (or muller)."""
    if text.isascii() and text.isalpha():
        return text.lower()
    text = text.lower().replace("ß", "ss").replace("ı", "i").replace("ł", "l").replace("đ", "d").replace("ø", "o")
    if keeps_umlaut_e:
        text = text.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    plain = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())


def slugs(texts: np.ndarray) -> np.ndarray:
    """Return both spellings of each distinct text (object array, shape (2, len(texts)))."""
    coded = ids.arrow(texts).dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    both = np.array([[slug(text, keeps) or "x" for text in distinct] for keeps in (True, False)], dtype=object)
    return both[:, coded.indices.to_numpy()]


def chosen(
    seed: int, slot: int, persons: np.ndarray, first: np.ndarray, last: np.ndarray, born: np.ndarray
) -> pa.Array:
    """Return the address each person would choose as number `slot`, whether or not another has it (Arrow strings)."""
    spelling = (randomness.uniform(seed, "umlaut in address", persons) < 0.12).astype(np.intp)
    rows = np.arange(len(persons))
    first, last = slugs(first)[spelling, rows], slugs(last)[spelling, rows]
    initial = pc.utf8_slice_codeunits(ids.arrow(first), 0, 1).to_numpy(zero_copy_only=False)
    year = (1970 + born // 365.25).astype(np.int64)
    number = randomness.integers(seed, "number in address", 990, persons, slot) + 10
    parts = {"first": first, "last": last, "f": initial, "": np.full(len(persons), "", dtype=object)}
    digits = {"": parts[""], "year": _texts(year % 100, 2), "number": _texts(number, 1)}
    pattern = randomness.weighted(seed, "address pattern", [each[4] for each in PATTERNS], persons, slot)
    left, mark, right, end = (np.empty(len(persons), dtype=object) for _ in range(4))
    for each, (left_of, between, right_of, digits_of, _) in enumerate(PATTERNS):
        some = np.flatnonzero(pattern == each)
        left[some], mark[some], right[some] = parts[left_of][some], between, parts[right_of][some]
        end[some] = digits[digits_of][some]
    return pc.binary_join_element_wise(*(ids.arrow(part) for part in (left, mark, right, end)), "")


def distinct(seed: int, persons: np.ndarray, names: list[pa.Array]) -> pa.Array:
    """Add domains, and a number where somebody before has the address: Arrow texts, person by person all `names`."""
    domains = pa.array(list(DOMAINS))
    addresses = []
    for slot, local in enumerate(names):
        drawn = randomness.weighted(seed, "domain", list(DOMAINS.values()), persons, slot)
        addresses.append(pc.binary_join_element_wise(local, domains.take(pa.array(drawn)), "@"))
    turn = np.arange(len(persons) * len(names)).reshape(len(names), -1).T.ravel()
    flat = pa.concat_arrays(addresses).take(pa.array(turn))
    codes = flat.dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    position = np.arange(len(codes))
    starts = np.where(np.diff(codes[order], prepend=-1) != 0, position, 0)
    earlier = np.zeros(len(codes), dtype=np.int64)
    earlier[order] = position - np.maximum.accumulate(starts)
    taken = np.flatnonzero(earlier)
    parts = pc.split_pattern(flat.take(pa.array(taken)), "@")
    local = pc.binary_join_element_wise(pc.list_element(parts, 0), ids.padded(earlier[taken] + 1, 1), "_")
    renamed = pc.binary_join_element_wise(local, pc.list_element(parts, 1), "@")
    return pc.replace_with_mask(flat, pa.array(earlier > 0), renamed)


def _texts(numbers: np.ndarray, digits: int) -> np.ndarray:
    return ids.as_texts(ids.padded(numbers, digits))
