"""The facts of the message model: its settings, what a fitted one is, and how it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ml.company import of_company
from ml.messages import words
from ml.messages.encoders import OF_MANY_LANGUAGES, encode
from ml.messages.fusion import Fusion
from ml.messages.language import languages_of
from ml.messages.meaning import MeaningExpert
from ml.messages.scope import Scope
from ml.messages.text import readable

SETTINGS_PATH = Path(__file__).with_name("messages.yml")


@dataclass(frozen=True)
class MessageSettings:
    """What messages.yml says; every field is explained there."""

    model: str
    seed: int
    test_days: int
    validation_days: int
    learn_from: int
    out_of_scope_label: str
    score_days: int
    bootstrap_draws: int
    retrain_after_days: int
    promotion: Mapping[str, float]
    words: Mapping[str, Any]
    encoders: list[str]
    meaning: Mapping[str, Any]
    familiar_language_messages: int
    folds: int
    folds_when_few: int
    few: int
    in_scope_coverage: float
    promise: Mapping[str, float]
    cascade: Mapping[str, float]
    mention_certainty: float
    review: Mapping[str, int]


def message_settings(path: Path = SETTINGS_PATH) -> MessageSettings:
    """Read the settings; an unknown or missing key is an error."""
    return MessageSettings(**of_company(yaml.safe_load(path.read_text())))


@dataclass(frozen=True)
class Reading:
    """What the model reads in n messages.

    `probabilities` (n, intents) sum to 1: P(intent), given that the message is about one of them. `scope_score` (n) and
    `is_in_scope` (n) say whether it is. `abstained` (n): a human answers. `tier` (n): how many experts were asked.
    """

    intents: list[str]
    probabilities: np.ndarray
    scope_score: np.ndarray
    is_in_scope: np.ndarray
    abstained: np.ndarray
    tier: np.ndarray

    @property
    def top(self) -> np.ndarray:
        """The most probable intent of each message (n)."""
        return np.array(self.intents, dtype=object)[self.probabilities.argmax(axis=1)]


class Tier:
    """What the first k experts say together, and when that is enough for the cascade.

    It answers alone from `exit_certainty` and `exit_scope` on; the last tier has no choice.
    """

    def __init__(self, fusion: Fusion, scope: Scope) -> None:
        self.fusion = fusion
        self.scope = scope
        self.exit_certainty = -np.inf
        self.exit_scope = -np.inf

    def read(self, scores: Sequence[np.ndarray], nearness: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return P(intent) (n, intents) and the scope score (n)."""
        margin = self.fusion.fuse(scores).max(axis=1)
        return self.fusion.probabilities(scores), self.scope.score(margin, nearness)

    def is_enough(self, probabilities: np.ndarray, scope_score: np.ndarray) -> np.ndarray:
        """Return whether (n) nobody else need be asked."""
        return (probabilities.max(axis=1) >= self.exit_certainty) & (scope_score >= self.exit_scope)


class MessageModel:
    """Experts, the cheapest first (the words, then each encoder), and a tier for each number of them.

    `sure_from` is by mode: `cascade` asks as few experts as it needs, `thorough` always all. `foreign` reads what is
    written in a language of `foreign_languages`, by the encoder of many languages alone.
    """

    def __init__(
        self,
        intents: list[str],
        word_settings: dict[str, Any],
        grams: words.WordGrams,
        words_expert: words.WordsExpert,
        meanings: dict[str, MeaningExpert],
        tiers: list[Tier],
        foreign: Tier | None,
        foreign_languages: list[str],
        in_scope_from: float,
        sure_from: dict[str, float],
    ) -> None:
        self.intents = intents
        self.word_settings = word_settings
        self.grams = grams
        self.words_expert = words_expert
        self.meanings = meanings
        self.tiers = tiers
        self.foreign = foreign
        self.foreign_languages = foreign_languages
        self.in_scope_from = in_scope_from
        self.sure_from = sure_from

    def read(self, texts: Sequence[str], thorough: bool = False) -> Reading:
        """Read messages (n). Raises EncoderMissing if the model was fitted with an encoder that is not installed."""
        said = [readable(text) for text in texts]
        count = len(said)
        probabilities = np.empty((count, len(self.intents)))
        scope_score, tier_of = np.empty(count), np.empty(count, dtype=int)
        is_foreign = self._is_foreign(said)
        if is_foreign.any():
            probabilities[is_foreign], scope_score[is_foreign] = self._read_foreign(said, is_foreign)
            tier_of[is_foreign] = len(self.tiers) - 1
        waiting = np.flatnonzero(~is_foreign)
        scores, nearness = [self._words([said[row] for row in waiting])] if len(waiting) else [], []
        for number, (tier, encoder) in enumerate(zip(self.tiers, [*self.meanings, None], strict=True)):
            if not len(waiting):
                break
            found, score = tier.read(scores, nearness)
            is_last = encoder is None
            done = np.ones(len(waiting), dtype=bool) if is_last else tier.is_enough(found, score) & (not thorough)
            at = waiting[done]
            probabilities[at], scope_score[at], tier_of[at] = found[done], score[done], number
            waiting = waiting[~done]
            scores, nearness = [part[~done] for part in scores], [part[~done] for part in nearness]
            if len(waiting):
                expert, vectors = self.meanings[encoder], encode(encoder, [said[row] for row in waiting])
                scores.append(expert.scores(vectors))
                nearness.append(expert.nearness(vectors))
        is_in_scope = (scope_score >= self.in_scope_from) | (tier_of < len(self.tiers) - 1)
        sure = probabilities.max(axis=1, initial=0) >= self.sure_from["thorough" if thorough else "cascade"]
        answered = is_in_scope & sure & ~is_foreign
        return Reading(self.intents, probabilities, scope_score, is_in_scope, ~answered, tier_of)

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return P(intent), a column per intent, for the messages in the column `text`; every expert is asked."""
        reading = self.read(frame["text"].tolist(), thorough=True)
        return pd.DataFrame(reading.probabilities, columns=self.intents, index=frame.index)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the probabilities: this model never answers with a bare label."""
        return self.predict_proba(frame)

    def _is_foreign(self, said: list[str]) -> np.ndarray:
        if self.foreign is None or not self.foreign_languages:
            return np.zeros(len(said), dtype=bool)
        return np.isin(languages_of(said), self.foreign_languages)

    def _read_foreign(self, said: list[str], is_foreign: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expert = self.meanings[OF_MANY_LANGUAGES]
        vectors = encode(OF_MANY_LANGUAGES, [said[row] for row in np.flatnonzero(is_foreign)])
        return self.foreign.read([expert.scores(vectors)], [expert.nearness(vectors)])

    def _words(self, said: list[str]) -> np.ndarray:
        return self.words_expert.scores(self.grams.rows(words.count(said, self.word_settings)))
