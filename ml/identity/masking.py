"""Values as a steward sees them by default: enough to tell two apart, too little to know a person."""

import re

HIDDEN = "•••"
KEY_SHOWN = 3  # last signs of an account, contact or card number


def masked(value: str | None) -> str:
    """Mask a value: the year of a date, the first letters of words and of both parts of an e-mail; no digit."""
    if value is None or not value.strip():
        return "-"
    text = value.strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return f"{text[:4]}-••-••"
    if "@" in text:
        return "@".join(_word(part) for part in text.split("@", 1))
    return " ".join(_word(word) for word in text.split())


def masked_key(key: str) -> str:
    """Mask a number of an entity but for its end."""
    return f"…{key[-KEY_SHOWN:]}" if len(key) > KEY_SHOWN else key


def _word(word: str) -> str:
    return (word[0] if word[:1].isalpha() else "") + HIDDEN
