"""Read the day's new messages with the champion: what they are about, how their writers feel, how much it hurries."""

from datetime import date

import numpy as np
import pandas as pd

from ml import registry
from ml.clock import scored_at
from ml.messages.feeling import feelings
from ml.messages.frame import new_messages
from ml.messages.language import languages_of
from ml.messages.model import MessageModel, MessageSettings, message_settings
from ml.messages.several import mentions
from ml.registry import ModelVersion
from runtime import warehouse


def score_messages(as_of: date) -> int:
    """Add what nobody has read yet to scores.message_intents; return the number of new rows.

    What was read stays as it was read: features of later days rest on it, and a new champion does not rewrite them. For
    the same reason a day before the last one that was read adds nothing. Raises RegistryError without a champion,
    EmptyFrame if no message was ever known.
    """
    settings = message_settings()
    version = registry.champion(settings.model)
    with warehouse.transaction() as connection:
        found = new_messages(connection, as_of, settings.score_days)
        if found.empty:
            return 0
        rows = scores(found, as_of, registry.load(version), version, settings)
        return warehouse.copy_frame(connection, rows, "scores.message_intents")


def scores(
    found: pd.DataFrame, as_of: date, model: MessageModel, version: ModelVersion, settings: MessageSettings
) -> pd.DataFrame:
    """Return one row per message and intent, by message_id and intent; exactly one intent of a message is_top."""
    texts, many = found["text"].tolist(), len(model.intents)
    reading, felt = model.read(texts), feelings(texts)
    named = mentions(model, texts, reading, settings.mention_certainty)
    top = reading.probabilities.argmax(axis=1)[:, None] == np.arange(many)
    by_message = {
        "message_id": found["message_id"],
        "ticket_id": found["ticket_id"],
        "is_in_scope": reading.is_in_scope,
        "abstained": reading.abstained,
        "sentiment": felt.sentiment,
        "urgency": felt.urgency,
        "language": languages_of(texts),
    }
    rows = pd.DataFrame({name: np.repeat(np.asarray(values), many) for name, values in by_message.items()})
    rows["as_of_date"] = as_of
    rows["intent"] = np.tile(np.array(model.intents, dtype=object), len(texts))
    rows["probability"] = reading.probabilities.ravel()
    rows["is_top"], rows["is_named"] = top.ravel(), named.ravel()
    rows["model_name"], rows["model_version"] = version.name, version.version
    rows["scored_at"] = scored_at(rows["as_of_date"])
    return rows.sort_values(["message_id", "intent"], ignore_index=True)
