"""Whether a model has to be trained again, and why."""

from datetime import date
from pathlib import Path

import yaml

from ml import registry
from ml.drift.settings import drift_settings
from ml.registry import ModelVersion
from runtime import warehouse

_SETTINGS = {
    "cx_intent": "intent/intent.yml",
    "cx_message_intent": "messages/messages.yml",
    "cx_net_value": "nba/nba.yml",
    "cx_response": "nba/nba.yml",
}
# Of an earlier day: what a day itself sees must not change what is due on it when it is run again.
_DRIFTED = """
    select kind, subject, as_of_date from quality.model_drift
    where model_name = %(name)s and model_version = %(version)s and status = 'drifted'
        and as_of_date = (
            select max(as_of_date) from quality.model_drift where model_name = %(name)s and as_of_date < %(as_of)s
        )
    order by kind, subject
"""
# Whom nothing waits for: until one was promoted, decisions follow cx_response and the catalogue.
_DISPENSABLE = {"cx_net_value"}


def is_due(model: str, as_of: date) -> bool:
    """Tell whether `model` has to be trained on `as_of`; see `why_due`."""
    return bool(why_due(model, as_of))


def why_due(model: str, as_of: date) -> str:
    """Say why `model` has to be trained on `as_of`, in words; "" if it does not.

    It has no champion, was last trained `retrain_after_days` or more days ago, or its champion drifted when it was last
    looked at and the last training is `rest_days` old (ml/drift/drift.yml). A refused challenger counts as trained: the
    same verdict every day would teach nothing. One that others stand in for waits these days even without a champion.
    """
    if model not in _SETTINGS:
        raise ValueError(f"There is no model {model}; models are {', '.join(_SETTINGS)}.")
    champion, versions = registry.aliased(model, registry.CHAMPION), registry.versions(model)
    if not versions or (champion is None and model not in _DISPENSABLE):
        return f"{model} has no champion."
    days = yaml.safe_load((Path(__file__).parent / _SETTINGS[model]).read_text())["retrain_after_days"]
    trained = max(date.fromisoformat(version.tags["as_of"]) for version in versions)
    age = (as_of - trained).days
    if age >= days:
        return f"{model} was last trained {age} days ago, the limit is {days}."
    return _drifted(champion, as_of) if champion and age >= drift_settings().rest_days else ""


def _drifted(champion: ModelVersion, as_of: date) -> str:
    named = {"name": champion.name, "version": champion.version, "as_of": as_of}
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(_DRIFTED, named)
        found = cursor.fetchall()
    if not found:
        return ""
    what = ", ".join(f"{kind} {subject}" for kind, subject, _ in found)
    return f"Version {champion.version} of {champion.name} had drifted on {found[0][2]}: {what}."
