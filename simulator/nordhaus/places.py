"""Where people live: towns with their postcodes, dialling codes and sizes, and streets with a long tail of names."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow.csv

from simulator.nordhaus import names, randomness

VILLAGES = 3000  # made-up places for the 60 % of people who do not live in the listed towns
VILLAGE_SHARE = 0.55
FAR_MOVES = 0.35  # of all moves; the others stay in the town
AUSTRIA = 100_000  # added to an Austrian postcode's number: 1010 is Vienna, 01010 would be Saxony
UNUSED_REGIONS = (0, 5, 11, 43, 62)  # the first two digits of no German postcode
# The long-distance zone of a village's dialling code by the first digit of its postcode.
_DIALLING_ZONE = np.array([3, 3, 4, 5, 2, 2, 6, 7, 8, 9])


@dataclass(frozen=True)
class Towns:
    """One entry per town: name, country, dialling code with country, weight; and one entry per range of postcodes."""

    name: np.ndarray
    country: np.ndarray
    dialling: np.ndarray
    weight: np.ndarray
    ranges: np.ndarray
    first_range: np.ndarray
    range_start: np.ndarray
    range_size: np.ndarray


@cache
def towns() -> Towns:
    """Return the towns of words/towns.csv (written from memory; ranges hold unused postcodes too) and the villages."""
    rows = pyarrow.csv.read_csv(
        names.WORDS / "towns.csv",
        parse_options=pyarrow.csv.ParseOptions(delimiter=";"),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(["postcodes", "area_code"], "string")),
    ).to_pylist()
    start, size, count = [], [], []
    for row in rows:
        ends = [[int(end) for end in part.split("-")] for part in row["postcodes"].split(",")]
        shift = AUSTRIA if row["country"] == "AT" else 0
        start += [first + shift for first, _ in ends]
        size += [last - first + 1 for first, last in ends]
        count.append(len(ends))
    taken = np.zeros(AUSTRIA + 10_000, dtype=bool)
    for first, length in zip(start, size, strict=True):
        taken[first : first + length] = True
    villages = _villages(taken)
    people = np.array([row["people_thousands"] for row in rows], dtype=np.float64)
    rural = names.zipf(VILLAGES, 60, 0.6)
    count = np.array(count + [1] * VILLAGES)
    dialling = [("+43" if row["country"] == "AT" else "+49") + row["area_code"] for row in rows]
    return Towns(
        name=np.array([row["town"] for row in rows] + [name for name, _, _ in villages], dtype=object),
        country=np.array([row["country"] for row in rows] + ["DE"] * VILLAGES, dtype=object),
        dialling=np.array(dialling + [code for _, _, code in villages], dtype=object),
        weight=np.concatenate([people / people.sum() * (1 - VILLAGE_SHARE), rural / rural.sum() * VILLAGE_SHARE]),
        ranges=count,
        first_range=np.concatenate([[0], np.cumsum(count)[:-1]]),
        range_start=np.array(start + [postcode for _, postcode, _ in villages]),
        range_size=np.array(size + [1] * VILLAGES),
    )


@cache
def postcode_texts() -> np.ndarray:
    """Return the text of each postcode number (object array): five digits, four in Austria."""
    return np.array([f"{n:05d}" for n in range(AUSTRIA)] + [f"{n:04d}" for n in range(10_000)], dtype=object)


@cache
def streets() -> tuple[np.ndarray, np.ndarray]:
    """Return street names (object array) and their cumulated weights."""
    parts = names.words("name_parts.txt")
    persons = names.last_names().texts[names.last_names().groups[("de_DE",)][0][:1800]]
    ends = np.array(parts["street_endings"], dtype=object)
    drawn = randomness.weighted(0, "street endings", names.zipf(len(ends), 0, 1.2), np.arange(len(persons)))
    texts = list(dict.fromkeys(parts["streets"] + names.shuffled("streets", list(persons + ends[drawn]))))
    return np.array(texts, dtype=object), np.cumsum(names.zipf(len(texts), 8, 0.8))


def addresses(seed: int, home: np.ndarray, version: np.ndarray, first_home: np.ndarray) -> dict[str, np.ndarray]:
    """Return street, postcode, town, country (object arrays) and dialling code of each home's address.

    `home` is a key (a household, or a person who left it), `version` the number of its moves; -1 is the address before
    the first day. `first_home` decides the first town: a person who left a household mostly stays near it. Every second
    postcode of a range is used, as in German cities.
    """
    known = towns()
    town = randomness.weighted(seed, "town", known.weight, first_home, -1)
    for number in range(int(version.max(initial=-1)) + 1):
        is_far = (version >= number) & (randomness.uniform(seed, "far move", home, number) < FAR_MOVES)
        town = np.where(is_far, randomness.weighted(seed, "town", known.weight, home, number), town)
    zone = known.first_range[town] + randomness.integers(seed, "range", known.ranges[town], home, version)
    steps = (known.range_size[zone] + 1) // 2
    postcode = known.range_start[zone] + 2 * randomness.integers(seed, "postcode", steps, home, version)
    texts, ends = streets()
    street = texts[np.searchsorted(ends, randomness.uniform(seed, "street", home, version) * ends[-1], side="right")]
    number = (1 - np.log1p(-randomness.uniform(seed, "house", home, version)) * 28).astype(np.int64).clip(1, 289)
    letter = randomness.integers(seed, "house letter", 60, home, version).clip(0, 5)
    return {
        "street": street + _house_numbers()[number, np.where(letter < 5, letter, 5)],
        "postcode": postcode_texts()[postcode],
        "town": known.name[town],
        "country": known.country[town],
        "dialling": known.dialling[town],
    }


@cache
def _house_numbers() -> np.ndarray:
    """Return " 12a" by number and letter (0 to 4: a, b, c, d, with a blank; 5: none)."""
    letters = ["a", "b", "c", "d", " a", ""]
    return np.array([[f" {number}{letter}" for letter in letters] for number in range(290)], dtype=object)


def _villages(taken: np.ndarray) -> list[tuple[str, int, str]]:
    """Make village names from stem and ending, each with one postcode outside the towns' ranges and a dialling code."""
    parts = names.words("name_parts.txt")
    made = [
        f"{before}{stem.lower() if before[-1:].isalpha() else stem}{end}"
        for before in ["", *parts["village_befores"]]
        for stem in parts["stems"]
        for end in parts["village_endings"]
    ]
    number = np.arange(VILLAGES)
    mixed = np.argsort(randomness.bits(0, "village postcodes", np.arange(AUSTRIA)))
    postcode = mixed[~taken[mixed] & ~np.isin(mixed // 1000, UNUSED_REGIONS)][:VILLAGES]
    codes = _DIALLING_ZONE[postcode // 10_000] * 1000 + 100 + randomness.integers(0, "village dialling", 899, number)
    chosen = names.shuffled("villages", made)[:VILLAGES]
    return [(name, int(post), f"+49{code}") for name, post, code in zip(chosen, postcode, codes, strict=True)]
