"""Messages of the simulated company with the intent they were written for: half German, half English."""

from dataclasses import dataclass

import numpy as np

from simulator.nordhaus.randomness import integers, normal
from simulator.nordhaus.texts import INTENTS, LANGUAGES, write

SEED = 5
# Seven concerns, so that few messages are enough; what is about nothing of the shop is written apart.
KNOWN = ("track", "return", "cancel", "pay", "consent", "device_help", "voucher")


@dataclass(frozen=True)
class Messages:
    """Texts, intents, languages and moods (-1 to 1), each [n]."""

    texts: list[str]
    intents: np.ndarray
    languages: np.ndarray
    moods: np.ndarray


def messages(first: int, count: int, intents: tuple[str, ...] = KNOWN, channel: int = 1) -> Messages:
    """Write the messages with the numbers `first` to `first + count`; channel 1 is chat."""
    number = np.arange(first, first + count)
    chosen = np.array([INTENTS.index(name) for name in intents])[integers(SEED, "intent", len(intents), number)]
    language = integers(SEED, "language", 2, number)
    facts = {
        "first_name": ["Anna"] * count,
        "last_name": ["Berg"] * count,
        "order_no": [f"NH-{4000000 + n}" for n in number],
        "product": ["Stehlampe Fjord"] * count,
        "days_late": integers(SEED, "late", 9, number),
        "amount_eur": np.full(count, 49.9),
        "phone": [""] * count,
        "email": [""] * count,
        "town": ["Kiel"] * count,
        "street": ["Am Wall 17"] * count,
    }
    mood = (normal(SEED, "mood", number) * 0.5).clip(-1, 1)
    texts = write(SEED, number, chosen, language, np.full(count, channel), mood, facts, np.full(count, -1))
    return Messages(texts, np.array(INTENTS, dtype=object)[chosen], np.array(LANGUAGES)[language], mood)
