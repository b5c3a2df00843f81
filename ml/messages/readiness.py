"""Whether messages can be learned from or read at all: a company may have none, or too few so far."""

from datetime import date

from ml import registry
from ml.frames import EmptyFrame
from ml.messages.fit import TooFewExamples
from ml.messages.frame import messages
from ml.messages.model import message_settings
from ml.messages.train import train_messages
from ml.registry import ModelVersion
from ml.splits import NotEnoughHistory
from runtime import warehouse


def train_if_possible(as_of: date) -> tuple[ModelVersion | None, str]:
    """Train; return the version and "", or None and why there is nothing to train from yet.

    Whoever has a champion had enough messages before: then too few of them is an error, and it is raised.
    """
    try:
        return train_messages(as_of), ""
    except (EmptyFrame, NotEnoughHistory, TooFewExamples) as too_little:
        if registry.aliased(message_settings().model, registry.CHAMPION) is not None:
            raise
        return None, str(too_little)


def why_unread(as_of: date) -> str:
    """Say why nobody reads messages on `as_of`, in words; "" if they are read."""
    if registry.aliased(message_settings().model, registry.CHAMPION) is not None:
        return ""
    try:
        with warehouse.transaction() as connection:
            messages(connection, as_of)
    except EmptyFrame as none:
        return str(none)
    return "No model has earned it yet to read messages: humans do."
