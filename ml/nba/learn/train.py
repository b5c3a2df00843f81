"""Train the net values on the ledger as of a date, measure them on later decisions, and register them as challenger."""

from datetime import date

import pandas as pd

from ml import frames, promotion, registry, tracking
from ml.learners import ACTION
from ml.nba.learn import card
from ml.nba.learn.answered import Window, actions_of, answered, count_answered, prices, window_of
from ml.nba.learn.evaluate import evaluate
from ml.nba.learn.fit import fit
from ml.nba.learn.values import BASKETS, SPEND, LearnedValues
from ml.nba.model import SETTINGS_PATH, NbaSettings, nba_settings
from ml.registry import ModelVersion
from ml.splits import NotEnoughHistory
from runtime import warehouse


def why_too_young(as_of: date) -> str:
    """Say why the ledger is too young to learn from on `as_of`; empty if it is not."""
    rules = nba_settings().net_value
    window = window_of(as_of, rules)
    with warehouse.transaction() as connection:
        learned = count_answered(connection, window.learned_from, window.learned_to)
        judged = count_answered(connection, window.log_from, window.log_until)
    if learned >= rules.minimum_decisions and judged > 0:
        return ""
    return (
        f"The ledger is too young: {learned} answered decisions up to {window.learned_to} to learn from "
        f"({rules.minimum_decisions} are needed) and {judged} of {window.log_from} to {window.log_until} to be judged "
        "by. Actions keep the values of the response model and the catalogue."
    )


def train_net_value(as_of: date) -> ModelVersion:
    """Train `cx_net_value` on decisions whose outcomes were known before the log that judges it, as challenger.

    The same data and settings give the version that exists already. Raises NotEnoughHistory if the ledger is too young.
    """
    reason = why_too_young(as_of)
    if reason:
        raise NotEnoughHistory(reason)
    settings = nba_settings()
    window = window_of(as_of, settings.net_value)
    with warehouse.transaction() as connection:
        seen = answered(connection, as_of, window.learned_from, window.learned_to, settings.net_value)
        later = answered(connection, as_of, window.log_from, window.log_until, settings.net_value)
        actions, worth = actions_of(connection, as_of), prices(connection)
    data_hash = frames.content_hash(
        pd.concat([seen, later]), SETTINGS_PATH.read_text(), actions.to_csv(index=False), repr(worth)
    )
    tags = {"as_of": as_of.isoformat(), "data_hash": data_hash}
    version = registry.find_version(settings.net_value.model, tags)
    if version is None:
        values = fit(seen, actions, worth, settings)
        version = register(values, seen, later, window, tags, settings)
    found = registry.metrics(version)
    promotion.announce(version, as_of, {name: found[name] for name in sorted(found)})
    return version


def register(
    values: LearnedValues,
    seen: pd.DataFrame,
    later: pd.DataFrame,
    window: Window,
    tags: dict[str, str],
    settings: NbaSettings,
) -> ModelVersion:
    """Measure fitted values on `later` decisions, log the run, and register them with the window as tags."""
    import mlflow

    as_of, found = date.fromisoformat(tags["as_of"]), evaluate(later, values)
    written = card.model_card(as_of, tags["data_hash"], window, len(seen), values, found, settings)
    about = card.MEANING.format(days=settings.net_value.outcome_days)
    days = {name: getattr(window, name).isoformat() for name in Window.__dataclass_fields__}
    with tracking.run(settings.net_value.model, tags, about) as run:
        mlflow.log_params(days)
        mlflow.log_params({"known_actions": " ".join(values.known), "features": len(values.features)})
        mlflow.log_params({f"learning/{name}": str(value) for name, value in settings.learning.items()})
        mlflow.log_metrics({"decisions": len(seen), "judged_decisions": len(later), **found.figures})
        mlflow.log_text(written, "model_card.md")
        for name, figure in card.plots(found):
            mlflow.log_figure(figure, name)
        info = tracking.log_model(values, example(seen, values), needs=("threadpoolctl",))
    return registry.register(settings.net_value.model, info, run.info.run_id, {**tags, **days}, written)


def example(rows: pd.DataFrame, values: LearnedValues) -> pd.DataFrame:
    """Return an input example of three rows, the quartiles of each feature: like a customer, but nobody's data."""
    names = sorted({*values.features, SPEND, BASKETS})
    quartiles = frames.as_numbers(rows, names).quantile([0.25, 0.5, 0.75]).reset_index(drop=True)
    return quartiles.assign(**{ACTION: values.actions[0]})
