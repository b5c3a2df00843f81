"""Whether a model has to be trained again."""

from datetime import date
from pathlib import Path

import yaml

from ml import registry

_SETTINGS = {
    "cx_intent": "intent/intent.yml",
    "cx_message_intent": "messages/messages.yml",
    "cx_response": "nba/nba.yml",
}


def is_due(model: str, as_of: date) -> bool:
    """Tell whether `model` has no champion, or was last trained `retrain_after_days` or more days before `as_of`.

    A refused challenger counts as trained: the same verdict every day would teach nothing.
    """
    if model not in _SETTINGS:
        raise ValueError(f"There is no model {model}; models are {', '.join(_SETTINGS)}.")
    if registry.aliased(model, registry.CHAMPION) is None:
        return True
    days = yaml.safe_load((Path(__file__).parent / _SETTINGS[model]).read_text())["retrain_after_days"]
    trained = max(date.fromisoformat(version.tags["as_of"]) for version in registry.versions(model))
    return (as_of - trained).days >= days
