"""Whether a model has to be trained again."""

from datetime import date
from pathlib import Path

import yaml

from ml import registry

_SETTINGS = {
    "cx_intent": "intent/intent.yml",
    "cx_message_intent": "messages/messages.yml",
    "cx_net_value": "nba/nba.yml",
    "cx_response": "nba/nba.yml",
}
# Whom nothing waits for: until one was promoted, decisions follow cx_response and the catalogue.
_DISPENSABLE = {"cx_net_value"}


def is_due(model: str, as_of: date) -> bool:
    """Tell whether `model` has no champion, or was last trained `retrain_after_days` or more days before `as_of`.

    A refused challenger counts as trained: the same verdict every day would teach nothing. One that others stand in for
    waits these days even without a champion.
    """
    if model not in _SETTINGS:
        raise ValueError(f"There is no model {model}; models are {', '.join(_SETTINGS)}.")
    versions = registry.versions(model)
    if not versions or model not in _DISPENSABLE and registry.aliased(model, registry.CHAMPION) is None:
        return True
    days = yaml.safe_load((Path(__file__).parent / _SETTINGS[model]).read_text())["retrain_after_days"]
    trained = max(date.fromisoformat(version.tags["as_of"]) for version in versions)
    return (as_of - trained).days >= days
