"""What fingers, telephones and hurry do to a text: typos, lost umlauts, lost capitals and stops, foreign words."""

import re

from simulator.nordhaus.grammar import Hand

_ROWS = {"de": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"), "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm")}
_SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_DOTS_LOST = str.maketrans("äöüÄÖÜß", "aouAOUs")
_STOPS_LOST = str.maketrans("", "", ".,;:!–")
_SPACES, _BEFORE_STOP, _WORD = re.compile(r" {2,}"), re.compile(r" +([,.;:?!])"), re.compile(r"\w+")
# A date that ends a sentence brings its own stop.
_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")


def _neighbours(rows: tuple[str, ...]) -> dict[str, str]:
    """Return for each letter of a keyboard the letters left and right of it."""
    return {
        letter: row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
        for row in rows
        for place, letter in enumerate(row)
    }


_NEIGHBOURS = {language: _neighbours(rows) for language, rows in _ROWS.items()}


def tidy(text: str) -> str:
    """Return the text without the double spaces and stops that alternatives leave."""
    text = _TWO_STOPS.sub(".", _BEFORE_STOP.sub(r"\1", _SPACES.sub(" ", text)))
    return text.replace("\n ", "\n").replace(" \n", "\n").strip()


def started(sentence: str) -> str:
    """Return the sentence with a capital, if it ends as one; a scrap of a sentence stays as it is."""
    return sentence[:1].upper() + sentence[1:] if sentence[-1:] in (".", "?", "!") else sentence


def mix(text: str, words: dict[str, str]) -> str:
    """Return the text with the words that the writer says in another language."""
    return _WORD.sub(lambda match: words.get(match[0], match[0]), text)


def hurry(text: str, hand: Hand, haste: float) -> str:
    """Return the text without what a hurried writer leaves out; `haste` in [0, 1] is the share of writers who do."""
    if hand.chance(haste * 0.4):
        text = text.translate(_SPELLED_OUT if hand.draw(3) else _DOTS_LOST)
    if hand.chance(haste * 0.6):
        text = text.lower()
    if hand.chance(haste * 0.35):
        text = text.translate(_STOPS_LOST)
    return text


def mistype(text: str, hand: Hand, language: str, slips: int) -> str:
    """Return the text with so many slips: neighbouring key, letters transposed, dropped or doubled, space lost."""
    for _ in range(slips):
        place = hand.draw(max(len(text) - 1, 1))
        letter, after = text[place : place + 1], text[place + 1 : place + 2]
        if not (letter.isalpha() and after.isalpha()):
            continue
        kind = hand.draw(5)
        if kind == 0:
            wrong = letter + letter + after
        elif kind == 1:
            wrong = after
        elif kind == 2:
            near = _NEIGHBOURS[language].get(letter.lower(), letter)
            wrong = near[hand.draw(len(near))] + after
        else:
            wrong = after + letter
        text = text[:place] + wrong + text[place + 2 :]
    return text
