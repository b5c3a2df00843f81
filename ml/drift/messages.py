"""What the reader of messages is watched by: languages, what is written about, and how often it hands over.

One message a ticket, the first: who writes four times about one thing is one voice, and the index counts voices.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml.drift.baseline import Baseline
from ml.drift.samples import Sample
from ml.drift.settings import drift_settings
from ml.drift.stability import Bins
from ml.messages.language import UNCLEAR, known_languages, languages_of
from ml.messages.model import MessageModel
from ml.registry import ModelVersion
from runtime import warehouse

LANGUAGE, INTENT, CERTAINTY, STRANGE, ABSTAINED = "language", "intent", "certainty", "out of scope", "abstained"
_YES_OR_NO = 2
_READ = """
    select distinct on (coalesce(ticket_id, message_id)) language, intent, probability, is_in_scope, abstained
    from scores.message_intents
    where is_top and model_name = %(name)s and model_version = %(version)s
        and as_of_date > %(as_of)s - %(days)s::int and as_of_date <= %(as_of)s
    order by coalesce(ticket_id, message_id), as_of_date, message_id
"""


def message_baseline(found: pd.DataFrame, model: MessageModel) -> Baseline:
    """Return the baseline of a reader from later messages, labelled or not: columns message_id, ticket_id, text.

    They are read as on any day, by as few experts as are needed.
    """
    voices = found[~found["ticket_id"].fillna(found["message_id"]).duplicated()]
    texts = voices["text"].tolist()
    reading = model.read(texts)
    inputs, scores = _values(
        languages_of(texts),
        reading.top,
        reading.probabilities.max(axis=1, initial=0),
        reading.is_in_scope,
        reading.abstained,
        model.intents,
    )
    many = {INTENT: len(model.intents), STRANGE: _YES_OR_NO, ABSTAINED: _YES_OR_NO}
    kinds = {name: Bins.of_kinds(scores[name], number) for name, number in many.items()}
    return Baseline(
        {LANGUAGE: Bins.of_kinds(inputs[LANGUAGE], len(_languages()))},
        kinds | {CERTAINTY: Bins.of(scores[CERTAINTY], drift_settings().bins)},
    )


def message_sample(connection: Any, version: ModelVersion, model: MessageModel, as_of: date) -> Sample:
    """What `version` read in the last weeks up to `as_of`; nothing of it has an outcome but in reviews."""
    about = {
        "name": version.name,
        "version": version.version,
        "as_of": as_of,
        "days": drift_settings().messages["days"],
    }
    read = warehouse.read_frame(connection, _READ, about)
    inputs, scores = _values(
        read["language"],
        read["intent"],
        read["probability"].to_numpy(dtype=float),
        read["is_in_scope"].to_numpy(dtype=bool),
        read["abstained"].to_numpy(dtype=bool),
        model.intents,
    )
    return Sample(inputs, scores, {})


def _values(
    language: Sequence[str],
    top: Sequence[str],
    certainty: np.ndarray,
    is_in_scope: np.ndarray,
    abstained: np.ndarray,
    intents: list[str],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return inputs and scores by name, numbers (n) each; kinds are numbered."""
    scores = {INTENT: _numbers(top, intents), CERTAINTY: certainty}
    scores |= {STRANGE: (~is_in_scope).astype(float), ABSTAINED: abstained.astype(float)}
    return {LANGUAGE: _numbers(language, _languages())}, scores


def _numbers(kinds: Sequence[str], known: list[str]) -> np.ndarray:
    """Return the number of each kind (n); NaN for one that is not known."""
    found = pd.Index(known).get_indexer(np.asarray(kinds, dtype=object)).astype(float)
    return np.where(found < 0, np.nan, found)


def _languages() -> list[str]:
    return sorted({*known_languages(), UNCLEAR})
