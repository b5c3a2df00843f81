"""Train the intent model as of a date, measure it against its baselines, and register it as challenger."""

from datetime import date

import pandas as pd

from ml import frames, promotion, registry, tracking
from ml.drift.baseline import ARTIFACT
from ml.drift.keep import intent_baseline
from ml.intent import abstain, card, evaluate, fit, plots, segments
from ml.intent import frame as labelled
from ml.intent.model import SETTINGS_PATH, IntentSettings, intent_settings
from ml.leaks import leaks, refuse_leaks, strongest
from ml.registry import ModelVersion
from runtime import warehouse

DESCRIPTION = (
    "P(intent within its horizon) per customer: one calibrated XGBoost classifier per intent, measured on later weeks "
    "against recency-frequency and logistic regression. If it does not beat recency-frequency, that serves."
)


def train_intent(as_of: date) -> ModelVersion:
    """Train `cx_intent` on what was known on `as_of` and make it the challenger.

    The same data and settings give the version that exists already. Raises EmptyFrame or NotEnoughHistory, and
    LeakFound, which names the column, if one knows the outcome.
    """
    settings = intent_settings()
    with warehouse.transaction() as connection:
        frame = labelled.labelled_frame(connection, as_of)
        newest = frames.current_features(connection, as_of)
    tags = {"as_of": as_of.isoformat(), "data_hash": frames.content_hash(frame, SETTINGS_PATH.read_text())}
    version = registry.find_version(settings.model, tags)
    if version is None:
        version = _train(frame, newest, as_of, tags)
    found = registry.metrics(version)
    promotion.announce(version, as_of, {name: found[name] for name in sorted(found) if name.startswith("macro/")})
    return version


def _train(frame: pd.DataFrame, newest: pd.DataFrame, as_of: date, tags: dict[str, str]) -> ModelVersion:
    import mlflow

    settings = intent_settings()
    split = labelled.split(frame, as_of, settings)
    told = _without_leaks(frame[split.train], newest, settings)
    fitted = fit.fit(frame, split, settings)
    evaluation = evaluate.evaluate(frame, split.test, fitted.models, fit.OURS, settings)
    model = fitted.models[serving(evaluation.figures)]
    model.abstain_below = abstain.threshold(frame, split.validation, model, settings.abstention)
    kept = abstain.kept(frame, split.test, model, settings.abstention)
    written = card.model_card(as_of, tags["data_hash"], frame, split, model, evaluation, kept, settings)
    with tracking.run(settings.model, tags, DESCRIPTION) as run:
        mlflow.log_params({f"xgboost/{name}": value for name, value in settings.xgboost.items()})
        mlflow.log_params({f"calibration/{intent}": model.calibrators[intent].method for intent in model.intents})
        mlflow.log_param("serving", model.learner)
        mlflow.log_params({"test_days": settings.test_days, "validation_days": settings.validation_days})
        mlflow.log_metrics(evaluation.figures)
        mlflow.log_metrics(kept | segments.by_segment(frame, split.test, model, settings.segments))
        mlflow.log_params({"strongest_single_column": told[0], "strongest_single_column/intent": told[1]})
        mlflow.log_metric("leak/strongest_single_column_auc", told[2])
        mlflow.log_metrics({f"calibration/{name}/log_loss": loss for name, loss in fitted.calibration_losses.items()})
        mlflow.log_text(written, "model_card.md")
        mlflow.log_text(intent_baseline(frame[split.train], frame[split.test], newest, model).as_json(), ARTIFACT)
        for name, figure in plots.plots(evaluation, fitted.models[fit.OURS]):
            mlflow.log_figure(figure, name)
        info = tracking.log_model(model, quantile_rows(frame[split.train], model.features))
    return registry.register(settings.model, info, run.info.run_id, tags, written)


def _without_leaks(train: pd.DataFrame, newest: pd.DataFrame, settings: IntentSettings) -> tuple[str, str, float]:
    """Refuse columns that know an outcome; return the strongest single one with its intent and AUC."""
    labels = {intent: train[f"label:{intent}"].to_numpy(dtype=float) for intent in labelled.intents_of(train)}
    features = labelled.features_of(train)
    refuse_leaks(list(leaks(train, labels, newest, features, settings.leaks)))
    return strongest(train, labels, features)


def serving(figures: dict[str, float]) -> str:
    """Name the learner to register: XGBoost if it beats the baseline on the held-out weeks, else the baseline itself.

    A young company has little history: what everybody in retail knows then serves until there is something better.
    """
    return fit.OURS if figures[f"macro/gain_over_{fit.BASELINE}/log_loss_low"] > 0 else fit.BASELINE


def quantile_rows(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Return an input example of three rows, the quartiles of each feature: like a customer, but nobody's data."""
    return frames.as_numbers(frame, features).quantile([0.25, 0.5, 0.75]).reset_index(drop=True)
