"""Keep the baseline with its model version, in the MLflow run that trained it."""

from typing import Any

import pandas as pd

from ml import frames, registry
from ml.drift.baseline import ARTIFACT, Baseline, baseline_of
from ml.drift.samples import ALL, inputs_of, newest_snapshot, trained
from ml.intent import frame as labelled
from ml.intent import model as intent
from ml.nba import frame as contacts
from ml.nba import model as response
from ml.registry import ModelVersion


def kept_baseline(connection: Any, version: ModelVersion, model: Any) -> Baseline | None:
    """Return the baseline that is kept with `version`.

    Where training left none, it is made now, if the warehouse still holds the very rows that the version learned from:
    the data hash of the training proves that. Otherwise there is none until the next training.
    """
    text = registry.text(version, ARTIFACT)
    if text is not None:
        return Baseline.from_json(text)
    make = {"cx_intent": _intent_baseline, "cx_response": _response_baseline}.get(version.name)
    made = make and make(connection, version, model)
    if made is not None:
        registry.keep_text(version, ARTIFACT, made.as_json())
    return made


def intent_baseline(train: pd.DataFrame, held_out: pd.DataFrame, newest: pd.DataFrame, model: Any) -> Baseline:
    """Return the baseline of an intent model from what it learned from, held-out rows and the newest of that day."""
    scored, newly = model.predict_proba(held_out), model.predict_proba(newest)
    return baseline_of(
        inputs_of(train, model.features),
        {name: scored[name].to_numpy() for name in model.intents},
        inputs_of(newest, model.features),
        {name: newly[name].to_numpy() for name in model.intents},
    )


def _intent_baseline(connection: Any, version: ModelVersion, model: Any) -> Baseline | None:
    day = trained(version)
    frame = labelled.labelled_frame(connection, day)
    if not _is_what_it_learned_from(version, frame, intent.SETTINGS_PATH.read_text()):
        return None
    split = labelled.split(frame, day, intent.intent_settings())
    newest = frames.past_features(connection, day, newest_snapshot(connection, day))
    return intent_baseline(frame[split.train], frame[split.test], newest, model)


def _response_baseline(connection: Any, version: ModelVersion, model: Any) -> Baseline | None:
    frame = contacts.response_frame(connection, trained(version))
    if not _is_what_it_learned_from(version, frame, response.SETTINGS_PATH.read_text()):
        return None
    before, test = contacts.split(frame, trained(version), response.nba_settings())
    return baseline_of(inputs_of(frame[before], model.features), {ALL: model.predict_proba(frame[test])})


def _is_what_it_learned_from(version: ModelVersion, frame: pd.DataFrame, settings: str) -> bool:
    return frames.content_hash(frame, settings) == version.tags.get("data_hash")
