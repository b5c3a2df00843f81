"""What passes between the platform and a destination: changes out, answers back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

ADD, CHANGE, REMOVE = "add", "change", "remove"


@dataclass(frozen=True)
class Change:
    """One change for one customer: add or change to `content`, or remove (without content).

    `key` is the same however often the change is sent. `destination_id` is how the destination calls the customer,
    where it said so; `channel` is the action's, None for a remove. Every destination takes add and change alike: both
    say what holds from now on.
    """

    number: int
    key: str
    customer_id: str
    kind: str
    content: Mapping[str, Any] | None
    as_of: date
    destination_id: str | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the destination said to one change: taken or refused, in words without personal data."""

    number: int
    is_acknowledged: bool
    words: str
    destination_id: str | None = None


class Unavailable(RuntimeError):
    """The destination cannot be reached; what it has not answered stays pending. No address in the message."""


class Sender(Protocol):
    """Sends changes; `at_once` is how many it takes before their answers are kept."""

    at_once: int

    def send(self, changes: Sequence[Change]) -> Iterator[Answer]:
        """Send in this order and yield an answer for each. Raises Unavailable."""
        ...
