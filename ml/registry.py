"""The only door to the MLflow model registry: versions, aliases and loading.

Works the same against the tracking server and against a plain `sqlite:///` tracking URI. MLflow takes seconds to
import, so it is imported inside the functions.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

CHAMPION = "champion"
CHALLENGER = "challenger"


class RegistryError(RuntimeError):
    """The registry does not hold what was asked for; the message says what to run first."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered version: its number, the run that trained it and its tags (at least `as_of`)."""

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]

    @property
    def uri(self) -> str:
        return f"models:/{self.name}/{self.version}"


def find_version(name: str, tags: Mapping[str, str]) -> ModelVersion | None:
    """Return the newest version of `name` that carries all of `tags`, or None."""
    return next((found for found in versions(name) if tags.items() <= found.tags.items()), None)


def versions(name: str) -> list[ModelVersion]:
    """Return every version of `name`, the newest first; an unknown name has none."""
    found = _client().search_model_versions(f"name='{name}'", max_results=1000)
    return sorted(map(_version, found), key=lambda version: int(version.version), reverse=True)


def register(name: str, model_info: Any, run_id: str, tags: Mapping[str, str], description: str) -> ModelVersion:
    """Register the logged model as the next version of `name`, with its tags in the same write.

    This is the last step of training: a run that was killed before it leaves no version, and no gap in the numbers.
    """
    from mlflow.exceptions import MlflowException

    client = _client()
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name, model_info.model_uri, run_id, tags=dict(tags), description=description, model_id=model_info.model_id
    )
    return _version(made)


def aliased(name: str, alias: str) -> ModelVersion | None:
    """Return the version that holds `alias`, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return _version(_client().get_model_version_by_alias(name, alias))
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def champion(name: str) -> ModelVersion:
    """Return the champion of `name`. Raises RegistryError if none was promoted yet."""
    found = aliased(name, CHAMPION)
    if found is None:
        raise RegistryError(f"Model {name} has no champion. Train it and let a version be promoted first.")
    return found


def set_alias(version: ModelVersion, alias: str) -> None:
    """Point `alias` to `version`; doing it again changes nothing."""
    _client().set_registered_model_alias(version.name, alias, version.version)


def drop_alias(version: ModelVersion, alias: str) -> None:
    """Take `alias` away if `version` holds it."""
    held = aliased(version.name, alias)
    if held is not None and held.version == version.version:
        _client().delete_registered_model_alias(version.name, alias)


def metrics(version: ModelVersion) -> dict[str, float]:
    """Return the metrics of the run that trained `version`."""
    return dict(_client().get_run(version.run_id).data.metrics)


def load(version: ModelVersion) -> Any:
    """Load the fitted model (it has `predict_proba`)."""
    import mlflow.sklearn

    return mlflow.sklearn.load_model(version.uri)


def text(version: ModelVersion, name: str) -> str | None:
    """Return the text that the run of `version` keeps under `name`, or None."""
    import mlflow.artifacts

    if name not in {kept.path for kept in _client().list_artifacts(version.run_id)}:
        return None
    return mlflow.artifacts.load_text(f"runs:/{version.run_id}/{name}")


def keep_text(version: ModelVersion, name: str, content: str) -> None:
    """Keep a text with the run that trained `version`."""
    _client().log_text(version.run_id, content, name)


def _client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient()


def _version(found: Any) -> ModelVersion:
    return ModelVersion(found.name, str(found.version), found.run_id, dict(found.tags))
