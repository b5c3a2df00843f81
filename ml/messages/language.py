"""What single words tell: the language of a message (German, English, or not clear), and that a new concern begins."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import yaml

LANGUAGES_PATH = Path(__file__).with_name("languages.yml")
UNCLEAR = ""
_WORD = re.compile(r"[\w']+")
_LETTERS = {"de": re.compile("[äöüß]")}


def languages_of(texts: Sequence[str]) -> np.ndarray:
    """Return `de`, `en` or UNCLEAR for each text (n): by three times as much evidence as for the other.

    Song titles and product names are English in any language, so that one English word makes no English message.
    """
    return np.array([_language_of(text) for text in texts], dtype=object)


def known_languages() -> set[str]:
    """Name the languages that can be told apart."""
    return set(_function_words())


def begins_another(sentence: str) -> bool:
    """Tell whether the sentence begins as a further concern does ("Außerdem ...", "Another thing: ...")."""
    return bool(_additions().match(sentence.lower()))


@cache
def _function_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(words) for language, words in _lists()["function_words"].items()}


@cache
def _additions() -> re.Pattern:
    entries = [re.escape(entry) for entries in _lists()["additions"].values() for entry in entries]
    return re.compile(rf"\W*(?:{'|'.join(sorted(entries, key=len, reverse=True))})\b")


@cache
def _lists() -> dict[str, dict[str, list[str]]]:
    return yaml.safe_load(LANGUAGES_PATH.read_text(encoding="utf-8"))


def _language_of(text: str) -> str:
    lowered = text.lower()
    said = _WORD.findall(lowered)
    counts = {
        language: sum(word in words for word in said)
        + (language in _LETTERS and bool(_LETTERS[language].search(lowered)))
        for language, words in _function_words().items()
    }
    second, first = sorted(counts.values())[-2:]
    return max(counts, key=counts.__getitem__) if first > 0 and first >= 3 * second else UNCLEAR
