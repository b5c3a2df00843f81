"""Several concerns in one message: its sentences are read one by one, beside the message as a whole.

P(intent) of the whole is shared between concerns, so that none looks sure. A sentence names one concern; it counts if
it begins as a further concern does, is about something known, and is sure enough. The rest is then read alone, too.
Without the first condition three of four that it found in the messages of Nordhaus were asides ("my return is settled,
but ..."): precision 0.23 instead of 0.95.
"""

import re
from collections.abc import Sequence

import numpy as np

from ml.messages.language import begins_another
from ml.messages.model import MessageModel, Reading
from ml.messages.text import LONGEST, readable

_END = re.compile(r"(?<=[.!?…])\s+|\n+|;\s+")
_FEWEST_WORDS = 4  # "Many thanks in advance." is about nothing; shorter ones are greetings


def mentions(model: MessageModel, texts: Sequence[str], whole: Reading, certainty: float) -> np.ndarray:
    """Return which intents each message names (n, intents): the top of the whole one, and those of its sentences."""
    named = np.zeros((len(texts), len(model.intents)), dtype=bool)
    named[np.arange(len(texts)), whole.probabilities.argmax(axis=1)] = True
    sentences, owners = [], []
    for owner, text in enumerate(texts):
        parts = sentences_of(text)
        further = [part for part in parts if begins_another(part)]
        if further:
            rest = " ".join(part for part in parts if part not in further)
            sentences += [*further, rest]
            owners += [owner] * (len(further) + 1)
    reading = model.read(sentences)
    says = reading.is_in_scope & (reading.probabilities.max(axis=1, initial=0) >= certainty)
    named[np.array(owners, dtype=int)[says], reading.probabilities.argmax(axis=1)[says]] = True
    return named


def sentences_of(text: str) -> list[str]:
    """Split what is read of a message into sentences that can name a concern; a message of one has none."""
    lines = "\n".join(readable(line) for line in text[:LONGEST].splitlines())
    return [part.strip() for part in _END.split(lines) if len(part.split()) >= _FEWEST_WORDS]
