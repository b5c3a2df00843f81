"""How the writer feels and how much it hurries, by the words that say so: no label is needed, an agent can check it.

The rules of VADER (Hutto & Gilbert, ICWSM 2014): weighted words, turned round by a negator before them, boosted by an
adverb; phrases first, because "na toll" is not praise. The lists are data (`feelings.yml`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ml.messages.text import readable

FEELINGS_PATH = Path(__file__).with_name("feelings.yml")
_HALF = 4.0  # VADER's alpha is 15 for weights up to 4 and long reviews; messages are shorter
_SMILES = {re.compile(r"[:;]-?[)D]|[😀-😊😍🙂👍❤🎉]"): 2.0, re.compile(r":-?[(/]|[😞😠😡😢😤🤬👎]"): -2.0}
_SHOUTED = re.compile(r"!!|!\?|\?!")


@dataclass(frozen=True)
class Feelings:
    """`sentiment` (n) from -1, furious, to 1, delighted; `urgency` (n) from 0, whenever, to 1, now."""

    sentiment: np.ndarray
    urgency: np.ndarray


def feelings(texts: Sequence[str]) -> Feelings:
    """Read the feelings of messages (n); who says nothing of them gets 0 and 0."""
    said = [readable(text) for text in texts]
    moods = np.array([_mood(text) for text in said], dtype=float)
    hurry = np.array([_hurry(text) for text in said], dtype=float)
    return Feelings(moods / np.sqrt(moods**2 + _HALF), 1 - np.exp(-np.maximum(hurry, 0) / 3))


def _mood(text: str) -> float:
    lists = _settings()["sentiment"]
    lowered = text.lower()
    words = [(found.start(), found.group()) for found in re.finditer(r"[\w']+", lowered)]
    starts = np.array([start for start, _ in words])
    total = 0.0
    for at, _, weight in _found(lowered, "sentiment"):
        place = int(np.searchsorted(starts, at))
        before = [word for _, word in words[max(0, place - lists["reach"]) : place]]
        if before and before[-1] in lists["boosters"]:
            weight *= lists["boost"]
        total += -weight / 2 if any(word in lists["negators"] for word in before) else weight
    return total + sum(weight for sign, weight in _SMILES.items() if sign.search(text))


def _hurry(text: str) -> float:
    weights = [weight for _, _, weight in _found(text.lower(), "urgency")]
    if _SHOUTED.search(text) or (len(text) > 20 and text.isupper()):
        weights.append(_settings()["urgency"]["shouting"])
    return sum(weights)


def _found(lowered: str, of: str) -> list[tuple[int, str, float]]:
    """Return place, words and weight of each entry in the text; what a longer entry took is not read again."""
    pattern, weights = _entries(of)
    return [(hit.start(), hit.group(), weights[_entry_of(hit)]) for hit in pattern.finditer(lowered)]


def _entry_of(hit: re.Match) -> int:
    return hit.lastindex - 1


@cache
def _entries(of: str) -> tuple[re.Pattern, list[float]]:
    """Return one pattern with a group for each entry, longer entries first, and the weight of each group."""
    entries: dict[str, float] = {}
    for language in ("de", "en"):
        for weight, words in _settings()[of][language].items():
            entries |= dict.fromkeys(map(str, words), float(weight))
    ordered = sorted(entries, key=lambda entry: (-entry.count(" "), -len(entry), entry))
    groups = [
        rf"({re.escape(entry.removesuffix('*'))}{chr(92) + 'w*' if entry.endswith('*') else ''})" for entry in ordered
    ]
    return re.compile(rf"\b(?:{'|'.join(groups)})(?!\w)"), [entries[entry] for entry in ordered]


@cache
def _settings() -> Mapping[str, Any]:
    return yaml.safe_load(FEELINGS_PATH.read_text(encoding="utf-8"))
