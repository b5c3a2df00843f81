"""MLflow runs: started with tags that make training repeatable, closed even if the last try was killed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed
from typing import Any

# What loading a model needs. By hand, because MLflow would find it by loading the model in a new process (12 s).
REQUIREMENTS = ("mlflow", "scikit-learn", "skops", "xgboost", "pandas", "numpy")

# Types of a fitted pipeline that the safe loader (skops) must be told of.
TRUSTED_TYPES = [
    "ml.calibration.Calibrator",
    "ml.intent.model.IntentModel",
    "ml.learners.ActionBaseRate",
    "ml.learners.signed_log",
    "ml.messages.fusion.Fusion",
    "ml.messages.meaning.MeaningExpert",
    "ml.messages.model.MessageModel",
    "ml.messages.model.Tier",
    "ml.messages.scope.Scope",
    "ml.messages.words.WordGrams",
    "ml.messages.words.WordsExpert",
    "ml.nba.experience.Catalogue",
    "ml.nba.learn.values.LearnedValues",
    "ml.nba.model.ResponseModel",
    "ml.nba.net_value.NetValueModel",
    "ml.nba.rates.Rates",
    "numpy.dtype",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
]


@contextmanager
def run(experiment: str, tags: Mapping[str, str], description: str) -> Iterator[Any]:
    """Open a run in `experiment`; runs with the same tags that a killed process left open are marked KILLED first."""
    import mlflow

    experiment_id = mlflow.set_experiment(experiment).experiment_id
    client = mlflow.MlflowClient()
    same = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    for left_open in client.search_runs([experiment_id], f"attributes.status = 'RUNNING' and {same}"):
        client.set_terminated(left_open.info.run_id, status="KILLED")
    name = f"{experiment} as of {tags['as_of']}"
    with mlflow.start_run(run_name=name, tags=dict(tags), description=description) as opened:
        yield opened


def log_model(model: Any, example: Any, needs: tuple[str, ...] = ()) -> Any:
    """Log `model` so that it gives probabilities, with signature and an input example without any customer id.

    `needs` are packages beside REQUIREMENTS.
    """
    import mlflow.sklearn
    from mlflow.models import infer_signature

    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(example, model.predict_proba(example)),
        input_example=example,
        pip_requirements=[f"{package}=={installed(package)}" for package in (*REQUIREMENTS, *needs)],
        pyfunc_predict_fn="predict_proba",
        skops_trusted_types=TRUSTED_TYPES,
    )


def note(run_id: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    """Write tags and metrics to a run that has ended, as a verdict on its model; metrics that are written stay."""
    from mlflow import MlflowClient

    client = MlflowClient()
    known = client.get_run(run_id).data.metrics
    for name, value in metrics.items():
        if known.get(name) != value:
            client.log_metric(run_id, name, value)
    for name, value in tags.items():
        client.set_tag(run_id, name, value)
