"""How people and clerks write: phone formats, encodings of the past, and the ways a text goes wrong while it is typed.

`damaged` takes the few values that a defect hits; everything else works on whole columns.
"""

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow.compute as pc

from simulator.nordhaus import ids, names, randomness

_ROWS = ("1234567890ß", "qwertzuiopü", "asdfghjklöä", "yxcvbnm")  # a German keyboard
# The end of each phone number stays as it is: \1 country, \2 network or town, \3 number.
_PHONE = r"^\+(49|43)(1\d\d|664|30|40|69|89|\d{3})(\d+)$"
PHONE_FORMATS = {
    r"0\2 \3": 30, r"0\2/\3": 18, r"0\2\3": 20, r"+\1 \2 \3": 14, r"00\1\2\3": 5, r"(0\2) \3": 7, r"+\1 (0)\2-\3": 6
}  # fmt: skip
_LACKS_DECOMPOSITION = {"ı": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h"}
_READ_WRONG = {"0": "O", "1": "l", "5": "S", "8": "B"}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
_DEFAULTS = {
    "first_name": "unbekannt", "last_name": "unbekannt", "birth_date": "01.01.1900", "phone": "000000",
    "email": "info@nordhaus.example", "postcode": "00000",
}  # fmt: skip


def phones(seed: int, purpose: str, writers: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return E.164 numbers in the format each writer likes (object array); `writers` are keys for chance."""
    style = randomness.weighted(seed, purpose, list(PHONE_FORMATS.values()), writers)
    written = numbers.copy()
    for number, pattern in enumerate(PHONE_FORMATS):
        rows = np.flatnonzero(style == number)
        some = pc.replace_substring_regex(ids.arrow(numbers[rows]), _PHONE, pattern)
        written[rows] = ids.as_texts(some)
    return written


def in_code_page(texts: np.ndarray) -> np.ndarray:
    """Return texts whose letters cp1252 has: Łukasz becomes Lukasz, Yılmaz Yilmaz, and Müller stays."""
    return _by_distinct(texts, _code_page)


def german_dates(days: np.ndarray) -> np.ndarray:
    """Return DD.MM.YYYY of days since 1970 (object array)."""
    iso = ids.arrow(np.asarray(days).astype("datetime64[D]").astype(str).astype(object))
    parts = [pc.utf8_slice_codeunits(iso, start, stop) for start, stop in ((8, 10), (5, 7), (0, 4))]
    return ids.as_texts(pc.binary_join_element_wise(*parts, "."))


def damaged(kind: str, field: str, values: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return the values after a defect of that kind; `chance` in [0, 1) decides how. A value may come back unharmed."""
    if kind == "default":
        return np.full(len(values), _DEFAULTS[field], dtype=object)
    if kind == "missing":
        return np.full(len(values), "", dtype=object)
    pairs = zip(values.tolist(), chance.tolist(), strict=True)
    return np.array([_WAYS[kind](value, number) for value, number in pairs], dtype=object)


def typo(text: str, chance: float) -> str:
    """Return the text with a wrong key, two letters swapped, one missing or one doubled."""
    places = [place for place, letter in enumerate(text) if letter.isalpha()]
    if len(places) < 3:
        return text
    place = places[1 + int(chance * (len(places) - 1))]
    way = int(chance * 7919) % 10
    if way < 4:
        near = _neighbours().get(text[place].lower(), "e")
        letter = near[int(chance * 104729) % len(near)]
        return text[:place] + (letter.upper() if text[place].isupper() else letter) + text[place + 1 :]
    if way < 7:
        return text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :]
    return text[:place] + ("" if way < 9 else text[place] * 2) + text[place + 1 :]


def read_wrong(text: str, chance: float) -> str:
    """Return the text with one digit as a scanner misreads it: 0 as O, 1 as l, 5 as S, 8 as B."""
    places = [place for place, letter in enumerate(text) if letter in _READ_WRONG]
    if not places:
        return text
    place = places[int(chance * len(places))]
    return text[:place] + _READ_WRONG[text[place]] + text[place + 1 :]


def _transliterated(text: str, chance: float) -> str:
    """Müller becomes Mueller, or Muller in one of four."""
    for letter, pair in _UMLAUTS.items():
        text = text.replace(letter, pair if chance < 0.75 or letter == "ß" else pair[0])
    return text


def _wrong_case(text: str, chance: float) -> str:
    return text.upper() if chance < 0.6 else text.lower()


def _with_blanks(text: str, chance: float) -> str:
    return text + "  " if chance < 0.6 else " " + text if chance < 0.8 else text.replace(" ", "  ", 1) + " "


def _mojibake(text: str, chance: float) -> str:
    """Return the text as UTF-8 bytes read as cp1252: MÃ¼ller."""
    try:
        return _code_page(text).encode("utf-8").decode("cp1252")
    except UnicodeDecodeError:
        return text


def _other_year(date: str, chance: float) -> str:
    """Return a German date with another year: a digit mistaken or two swapped."""
    years = (1, -1, 10, -10, 9, -9, 2, 100)
    return date[:6] + str(int(date[6:]) + years[int(chance * len(years))]) if len(date) == 10 else date


def _impossible(date: str, chance: float) -> str:
    return ("31.02.", "30.02.", "31.04.", "31.06.")[int(chance * 4)] + date[6:] if len(date) == 10 else date


def _nickname(name: str, chance: float) -> str:
    return _nicknames().get(name, name)


_WAYS: dict[str, Callable[[str, float], str]] = {
    "typo": typo, "ocr_digits": read_wrong, "wrong_transliteration": _transliterated, "wrong_case": _wrong_case,
    "blanks": _with_blanks, "mojibake": _mojibake, "wrong_birth_year": _other_year, "invalid_birth_date": _impossible,
    "nickname": _nickname,
}  # fmt: skip


@cache
def _neighbours() -> dict[str, str]:
    near = {}
    for row in _ROWS:
        for place, key in enumerate(row):
            near[key] = "".join(letter for letter in row[max(place - 1, 0) : place + 2] if letter != key)
    return near


@cache
def _nicknames() -> dict[str, str]:
    return dict(pair.split("=") for pair in names.words("first_names.txt")["nicknames"])


def _by_distinct(texts: np.ndarray, change: Callable[[str], str]) -> np.ndarray:
    coded = ids.arrow(texts).dictionary_encode()
    distinct = np.array([change(text) for text in coded.dictionary.to_pylist()] + [None], dtype=object)[:-1]
    return distinct[coded.indices.to_numpy()]


def _code_page(text: str) -> str:
    try:
        text.encode("cp1252")
        return text
    except UnicodeEncodeError:
        return "".join(_code_page_letter(letter) for letter in text)


def _code_page_letter(letter: str) -> str:
    try:
        letter.encode("cp1252")
        return letter
    except UnicodeEncodeError:
        plain = _LACKS_DECOMPOSITION.get(letter) or unicodedata.normalize("NFD", letter)[0]
        return plain if plain.isascii() else ""
