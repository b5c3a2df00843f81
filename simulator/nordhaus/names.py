"""Which first and last names there are and how frequent each is, by origin, sex and year of birth.

The raw material is Faker's word lists (the lists only, never its chance) and the lists in `words/`. Frequencies fall
slowly like Zipf's law with a shifted rank, so that Müller has about 0.8 % and most names are rare. Names in Cyrillic
are transliterated the German way, as the authorities do.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from simulator.nordhaus import randomness

WORDS = Path(__file__).parent / "words"
FEMALE, MALE = 0, 1
# By the family's origin: share of customers (percent, after the population statistics, rounded), share of English.
ORIGINS = {
    "de_DE": (73.0, 0.08), "tr_TR": (4.2, 0.12), "pl_PL": (3.6, 0.15), "ru_RU": (3.8, 0.1), "arab": (3.0, 0.35),
    "it_IT": (1.6, 0.2), "ro_RO": (1.6, 0.35), "hr_HR": (1.7, 0.12), "uk_UA": (1.6, 0.45), "el_GR": (0.8, 0.15),
    "es_ES": (0.7, 0.45), "fr_FR": (0.6, 0.4), "en_GB": (1.0, 0.9), "en_IN": (0.9, 0.85), "vi_VN": (0.5, 0.2),
    "hu_HU": (0.5, 0.3), "cs_CZ": (0.4, 0.2), "pt_PT": (0.4, 0.4), "nl_NL": (0.5, 0.35),
}  # fmt: skip
NOT_USED = ("Eichmann", "Goebbels", "Göring", "Heydrich", "Himmler", "Hitler", "Mengele")  # no street is named so
BANDS = (1950, 1965, 1980, 1995)  # a name's fashion lasts about 15 years; these are the first years of each
BAND_NAMES = ("1930", "1950", "1965", "1980", "1995")
FASHION_SHARE = 0.8  # the rest have one of Faker's 1,000 names, whatever the year


@dataclass(frozen=True)
class Vocabulary:
    """Texts by code (object array) and per group the codes with their cumulated weights."""

    texts: np.ndarray
    groups: dict[tuple, tuple[np.ndarray, np.ndarray]]

    def draw(self, group: tuple, chance: np.ndarray) -> np.ndarray:
        """Return a code per number in [0, 1)."""
        codes, ends = self.groups[group]
        return codes[np.searchsorted(ends, chance * ends[-1], side="right").clip(0, len(codes) - 1)]


def zipf(size: int, shift: float, exponent: float) -> np.ndarray:
    """Return `size` weights that fall as (rank + shift) ** -exponent (float64)."""
    return (np.arange(1, size + 1) + shift) ** -exponent


def words(file: str) -> dict[str, list[str]]:
    """Read a file of `words/` with lines "key: word word …"; a plus in a word stands for a blank."""
    lines = (WORDS / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ", 1) for line in lines if line and not line.startswith("#"))
    return {key: [word.replace("+", " ") for word in text.split("|" if "|" in text else " ")] for key, text in pairs}


def shuffled(purpose: str, texts: list[str]) -> list[str]:
    """Return the distinct `texts` in an order that only `purpose` and their number decide."""
    distinct = list(dict.fromkeys(texts))
    order = np.argsort(randomness.bits(0, purpose, np.arange(len(distinct))), kind="stable")
    return [distinct[place] for place in order]


def faker_list(locale: str, *attributes: str) -> list[str]:
    """Return the first non-empty word list of Faker's person provider, in Latin letters and sorted."""
    provider = import_module(f"faker.providers.person.{locale}").Provider
    for attribute in attributes:
        if len(values := getattr(provider, attribute, ())) > 1:
            return sorted({latin(str(value)) for value in values})
    raise LookupError(f"Faker has none of {attributes} for {locale}")


def latin(text: str) -> str:
    """Transliterate Cyrillic and Greek text; Latin text stays as it is."""
    if not "\u0370" <= text[:1] <= "\u04ff":
        return text
    letters = _letters()
    return "".join(letters.get(letter, letter) for letter in text.lower()).title()


@cache
def _letters() -> dict[str, str]:
    return dict(pair.split("=") for pair in words("name_parts.txt")["letters"])


@cache
def first_names() -> Vocabulary:
    """First names in groups (origin, sex, band of the year of birth); bands count for German names only."""
    own = words("first_names.txt")
    groups: dict[tuple, tuple[list[str], np.ndarray]] = {}
    for sex, letter, kind in ((FEMALE, "f", "female"), (MALE, "m", "male")):
        rare = shuffled(f"first names {kind}", faker_list("de_DE", f"first_names_{kind}"))
        for band, name in enumerate(BAND_NAMES):
            top = own[letter + name]
            fashion, tail = zipf(len(top), 3, 0.8), zipf(len(rare), 20, 0.9)
            weights = np.concatenate([fashion / fashion.sum() * FASHION_SHARE, tail / tail.sum() * (1 - FASHION_SHARE)])
            groups["de_DE", sex, band] = (top + rare, weights)
        for origin in list(ORIGINS)[1:]:
            lists = {"arab": own[f"arab_{letter}"], "vi_VN": own[f"viet_{letter}"]}
            texts = lists.get(origin) or shuffled(origin + kind, faker_list(origin, f"first_names_{kind}"))
            groups[origin, sex] = (texts, zipf(len(texts), 5, 0.9))
    return _vocabulary(groups)


@cache
def last_names() -> Vocabulary:
    """Family names (the father's form) in groups (origin,) and German nobility in the group ("noble",)."""
    top = (WORDS / "last_names.txt").read_text(encoding="utf-8").splitlines()[1].split()
    parts = words("name_parts.txt")
    pairs = [(stem, ending) for stem in parts["stems"] for ending in parts["endings"]]
    made = [stem + ending for stem, ending in pairs if not ending.startswith(stem.lower())]
    lists = [name for place in ("de_DE", "de_AT", "de_CH") for name in faker_list(place, "last_names")]
    known = shuffled("last names", [name for name in lists if name[0].isupper() and name not in NOT_USED])
    german = list(dict.fromkeys(top + known + shuffled("made names", made)))
    groups: dict[tuple, tuple[list[str], np.ndarray]] = {("de_DE",): (german, zipf(len(german), 12, 0.85))}
    groups[("noble",)] = (parts["nobles"], zipf(len(parts["nobles"]), 5, 0.7))
    for origin in list(ORIGINS)[1:]:
        own = words("first_names.txt")["arab_l"] if origin == "arab" else None
        kinds = ("last_names_male", "last_names_common", "last_names", "unisex_last_names")
        texts = own or shuffled(origin + " last", faker_list(origin, *kinds))
        if origin == "pl_PL":
            texts = shuffled("pl men", faker_list(origin, "male_last_names"))
            texts += shuffled("pl", faker_list(origin, "unisex_last_names"))
        groups[(origin,)] = (texts, zipf(len(texts), 8, 0.85))
    return _vocabulary(groups)


@cache
def feminine_last_names() -> np.ndarray:
    """Return each family name as a woman bears it (object array by code): Kowalski and Kowalska, Iwanow and Iwanowa."""
    vocabulary = last_names()
    forms = vocabulary.texts.copy()
    endings = {
        "pl_PL": (("ski", "ska"), ("cki", "cka"), ("dzki", "dzka")),
        "ru_RU": (("ow", "owa"), ("ew", "ewa"), ("jow", "jowa"), ("in", "ina"), ("ij", "aja")),
        "cs_CZ": (("ek", "ková"), ("a", "ová"), ("r", "rová"), ("š", "šová"), ("k", "ková"), ("l", "lová"), ("ý", "á")),
    }
    for origin, pairs in endings.items():
        for code in vocabulary.groups[(origin,)][0]:
            name = vocabulary.texts[code]
            forms[code] = next((name[: -len(his)] + hers for his, hers in pairs if name.endswith(his)), name)
    forms[:] = [form.replace("Freiherr", "Freifrau").replace("Graf von", "Gräfin von") for form in forms]
    return forms


def _vocabulary(groups: dict[tuple, tuple[list[str], np.ndarray]]) -> Vocabulary:
    """Give each distinct text of each group a code of its own per family of groups with one origin."""
    texts: dict[tuple[str, str], int] = {}
    coded = {}
    for group, (members, weights) in groups.items():
        codes = np.array([texts.setdefault((group[0], member), len(texts)) for member in members], dtype=np.int32)
        coded[group] = (codes, np.cumsum(weights))
    return Vocabulary(np.array([text for _, text in texts], dtype=object), coded)
