"""The champions by whose word is decided: the response model, and the net values once they have earned it."""

from dataclasses import dataclass

from ml import registry
from ml.nba.learn.values import LearnedValues
from ml.nba.model import NbaSettings, ResponseModel
from ml.nba.value import DECISIONS, LEARNED
from ml.registry import ModelVersion


@dataclass(frozen=True)
class Serving:
    """The loaded champions; `values` is None until a challenger of `cx_net_value` was promoted.

    `version` is that of the net values if they serve, else of the response model; `models` names, by the basis of a
    candidate, the model ("name/version") that has the word.
    """

    response: ResponseModel
    values: LearnedValues | None
    version: ModelVersion
    models: dict[str, str]


def champions(settings: NbaSettings) -> Serving:
    """Load the champions. Raises RegistryError without one of the response model."""
    response = registry.champion(settings.model)
    net_value = registry.aliased(settings.net_value.model, registry.CHAMPION)
    models = {LEARNED: _named(response)}
    if net_value is None:
        return Serving(registry.load(response), None, response, models)
    models[DECISIONS] = _named(net_value)
    return Serving(registry.load(response), registry.load(net_value), net_value, models)


def _named(version: ModelVersion) -> str:
    return f"{version.name}/{version.version}"
