"""Train the response model as of a date, measure the candidates, and register the chosen one as challenger."""

from datetime import date

import pandas as pd

from ml import frames, promotion, registry, tracking
from ml.nba import card, evaluate, fit, plots
from ml.nba import frame as contacts
from ml.nba.model import SETTINGS_PATH, ResponseModel, nba_settings
from ml.registry import ModelVersion
from runtime import warehouse

DESCRIPTION = (
    f"P(customer redeems | contacted with this type of campaign), measured on later campaigns. {card.NOT_UPLIFT}"
)


def train_response(as_of: date) -> ModelVersion:
    """Train `cx_response` on the campaigns that had ended by `as_of` and make it the challenger.

    The same data and settings give the version that exists already. Raises EmptyFrame or NotEnoughHistory.
    """
    settings = nba_settings()
    with warehouse.transaction() as connection:
        frame = contacts.response_frame(connection, as_of)
    tags = {"as_of": as_of.isoformat(), "data_hash": frames.content_hash(frame, SETTINGS_PATH.read_text())}
    version = registry.find_version(settings.model, tags)
    if version is None:
        version = _train(frame, as_of, tags)
    found = registry.metrics(version)
    promotion.announce(version, as_of, {name: found[name] for name in sorted(found)})
    return version


def _train(frame: pd.DataFrame, as_of: date, tags: dict[str, str]) -> ModelVersion:
    import mlflow

    settings = nba_settings()
    before, test = contacts.split(frame, as_of, settings)
    past, held_out = frame[before], frame[test]
    fitted = fit.fit(past, settings)
    evaluation = evaluate.evaluate(held_out, fitted.models, fitted.chosen, settings)
    model = fitted.models[serving(fitted.chosen, evaluation.figures)]
    written = card.model_card(as_of, tags["data_hash"], past, held_out, fitted, evaluation, model.learner, settings)
    with tracking.run(settings.model, tags, DESCRIPTION) as run:
        mlflow.log_params({f"xgboost/{name}": value for name, value in settings.xgboost.items()})
        mlflow.log_params({"chosen": fitted.chosen, "serving": model.learner, "calibration": model.calibrator.method})
        mlflow.log_metrics(evaluation.figures)
        mlflow.log_metrics({f"foretold/{name}/log_loss": loss for name, loss in fitted.foretold_losses.items()})
        mlflow.log_text(written, "model_card.md")
        for name, figure in plots.plots(held_out, evaluation, fitted):
            mlflow.log_figure(figure, name)
        info = tracking.log_model(model, _example(past, model))
    return registry.register(settings.model, info, run.info.run_id, tags, written)


def serving(chosen: str, figures: dict[str, float]) -> str:
    """Name the learner to register: the chosen one if it beats the base rate on held-out campaigns, else the base rate.

    So that a learner which fails on later campaigns is never served, and there is still a value to decide by.
    """
    return chosen if figures[f"response/gain_over_{fit.BASE_RATE}/log_loss_low"] > 0 else fit.BASE_RATE


def _example(frame: pd.DataFrame, model: ResponseModel) -> pd.DataFrame:
    """Return an input example of three rows, the quartiles of each feature: like a customer, but nobody's data."""
    quartiles = frames.as_numbers(frame, model.features).quantile([0.25, 0.5, 0.75]).reset_index(drop=True)
    return quartiles.assign(action_id=sorted(frame["action_id"].unique())[0])
