"""Fit the message model: experts on all messages; weights, gates and promises on folds the experts had not seen."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from ml.messages import words
from ml.messages.encoders import OF_MANY_LANGUAGES, available, encode
from ml.messages.fusion import Fusion
from ml.messages.language import UNCLEAR, known_languages, languages_of
from ml.messages.meaning import MeaningExpert
from ml.messages.model import MessageModel, MessageSettings, Tier
from ml.messages.promise import sure_from
from ml.messages.scope import Scope
from ml.messages.text import readable


class TooFewExamples(ValueError):
    """There are not enough labelled messages to learn from and to judge by; the message names the intents."""


@dataclass(frozen=True)
class LeftOut:
    """What was said about messages (n) by experts that had not seen them: the evidence for the model's promises."""

    label: np.ndarray
    probabilities: np.ndarray
    scope_score: np.ndarray


@dataclass(frozen=True)
class _Heard:
    """Messages (n) as the experts take them: gram counts, vectors by encoder, and the number of each label."""

    said: list[str]
    counted: dict[str, Any]
    vectors: dict[str, np.ndarray]
    label: np.ndarray
    intents: int

    def part(self, rows: np.ndarray) -> "_Heard":
        counted = {kind: counts[rows] for kind, counts in self.counted.items()}
        vectors = {name: found[rows] for name, found in self.vectors.items()}
        return _Heard([self.said[row] for row in rows], counted, vectors, self.label[rows], self.intents)


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    settings: MessageSettings,
    later: tuple[Sequence[str], Sequence[str]] | None = None,
) -> tuple[MessageModel, LeftOut]:
    """Fit on messages (n) and their intents (n); some labels may be wrong, none may be missing.

    `later` are messages and intents of weeks after those: weights, gates and promises are judged on them, which is
    more honest than left-out folds where people repeat themselves (CLINC150: 2.6 % errors where folds promised 2 %).
    Without them, with few labels, folds are left out. Encoders whose package is missing are left out too. The same
    input gives the same model. Raises TooFewExamples.
    """
    intents, label = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    heard = _hear(texts, label, len(intents), settings)
    folds = _folds(heard.said, label, intents, settings)
    experts = _experts(heard, settings)
    if later is None:
        judged, (scores, nearness) = label, _left_out(heard, folds, settings)
    else:
        judged = _numbers(later[1], intents)
        scores, nearness = _judge(experts, _hear(later[0], judged, len(intents), settings))
    tiers = _tiers(scores, nearness, judged)
    read = [tier.read(scores[: number + 1], nearness[:number]) for number, tier in enumerate(tiers)]
    _set_exits(tiers, read, settings)
    last = tiers[-1].scope.threshold(settings.in_scope_coverage)
    grams, words_expert, meanings = experts
    model = MessageModel(
        intents.tolist(),
        dict(settings.words),
        grams,
        words_expert,
        meanings,
        tiers,
        _foreign_tier(list(meanings), scores, nearness, judged),
        _foreign_languages(heard.said, settings),
        last,
        _promises(tiers, read, last, judged, settings),
    )
    return model, LeftOut(judged, *read[-1])


def _hear(texts: Sequence[str], label: np.ndarray, intents: int, settings: MessageSettings) -> _Heard:
    said = [readable(text) for text in texts]
    vectors = {name: encode(name, said) for name in settings.encoders if name in available()}
    return _Heard(said, words.count(said, settings.words), vectors, label, intents)


def _numbers(labels: Sequence[str], intents: np.ndarray) -> np.ndarray:
    """Return the number of each label (n); an intent that training did not know has none, so its message is wrong."""
    found = np.searchsorted(intents, labels)
    found = np.minimum(found, len(intents) - 1)
    return np.where(intents[found] == np.asarray(labels, dtype=str), found, -1)


def _left_out(heard: _Heard, folds: np.ndarray, settings: MessageSettings) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return scores and nearness (see _judge) of each message by experts that have not seen its fold."""
    scores = [np.empty((len(folds), heard.intents), dtype=np.float32) for _ in range(len(heard.vectors) + 1)]
    nearness = [np.empty(len(folds), dtype=np.float32) for _ in heard.vectors]
    for fold in range(folds.max() + 1):
        rest = np.flatnonzero(folds == fold)
        found = _judge(_experts(heard.part(np.flatnonzero(folds != fold)), settings), heard.part(rest))
        for columns, of_fold in zip((scores, nearness), found, strict=True):
            for column, values in zip(columns, of_fold, strict=True):
                column[rest] = values
    return scores, nearness


def _folds(said: list[str], label: np.ndarray, intents: np.ndarray, settings: MessageSettings) -> np.ndarray:
    """Return the number of the fold of each message; the same text never stands on both sides of a fold."""
    _, first, text_of = np.unique(np.array(said, dtype=object), return_index=True, return_inverse=True)
    different = np.bincount(label[first], minlength=len(intents))
    if len(intents) < 2 or np.sort(different)[-2] < 2:
        counts = ", ".join(f"{intent} {many}" for intent, many in zip(intents, different, strict=True)) or "none"
        raise TooFewExamples(f"At least two intents with two different messages each are needed. There are: {counts}.")
    wanted = settings.folds_when_few if len(first) < settings.few else settings.folds
    of_text = np.empty(len(first), dtype=int)
    splitter = StratifiedKFold(min(wanted, different.max()), shuffle=True, random_state=settings.seed)
    with warnings.catch_warnings():
        # An intent with fewer messages than folds is in some folds only: the promise then counts it as not known.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, rest) in enumerate(splitter.split(first, label[first])):
            of_text[rest] = number
    return of_text[text_of]


def _experts(heard: _Heard, settings: MessageSettings) -> tuple[words.WordGrams, words.WordsExpert, dict]:
    grams = words.WordGrams.fit(heard.counted, settings.words["minimum_messages"])
    words_expert = words.WordsExpert.fit(
        grams.rows(heard.counted), heard.label, heard.intents, settings.words["penalty"], settings.seed
    )
    meanings = {
        name: MeaningExpert.fit(vectors, heard.label, heard.intents, settings.meaning, settings.seed)
        for name, vectors in heard.vectors.items()
    }
    return grams, words_expert, meanings


def _judge(experts: tuple, heard: _Heard) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the scores of each expert, the words first, and the nearness by encoder."""
    grams, words_expert, meanings = experts
    scores = [expert.scores(heard.vectors[name]) for name, expert in meanings.items()]
    nearness = [expert.nearness(heard.vectors[name]) for name, expert in meanings.items()]
    return [words_expert.scores(grams.rows(heard.counted)), *scores], nearness


def _tiers(scores: list[np.ndarray], nearness: list[np.ndarray], label: np.ndarray) -> list[Tier]:
    known = label >= 0
    scores, nearness = [score[known] for score in scores], [near[known] for near in nearness]
    tiers = []
    for number in range(1, len(scores) + 1):
        fusion = Fusion.fit(scores[:number], label[known])
        margin = fusion.fuse(scores[:number]).max(axis=1)
        tiers.append(Tier(fusion, Scope.fit(margin, nearness[: number - 1])))
    return tiers


def _foreign_tier(
    encoders: list[str], scores: list[np.ndarray], nearness: list[np.ndarray], label: np.ndarray
) -> Tier | None:
    if OF_MANY_LANGUAGES not in encoders:
        return None
    place = encoders.index(OF_MANY_LANGUAGES)
    known = label >= 0
    alone = scores[place + 1][known]
    fusion = Fusion.fit([alone], label[known])
    return Tier(fusion, Scope.fit(fusion.fuse([alone]).max(axis=1), [nearness[place][known]]))


def _foreign_languages(said: list[str], settings: MessageSettings) -> list[str]:
    languages, counts = np.unique(languages_of(said).astype(str), return_counts=True)
    familiar = languages[counts >= settings.familiar_language_messages]
    return sorted(known_languages() - {*familiar, UNCLEAR})


def _set_exits(tiers: list[Tier], read: list[tuple[np.ndarray, np.ndarray]], settings: MessageSettings) -> None:
    """Let each tier answer alone from the certainty on from which it seldom says something else than all together."""
    final = read[-1][0].argmax(axis=1)
    allowed = settings.cascade["disagreement"] * len(final)
    for tier, (probabilities, scope_score) in zip(tiers[:-1], read[:-1], strict=True):
        tier.exit_scope = tier.scope.threshold(1 - settings.cascade["familiarity"])
        rows = np.flatnonzero(scope_score >= tier.exit_scope)
        certainty = probabilities[rows].max(axis=1)
        order = np.argsort(-certainty, kind="stable")
        differs = np.cumsum(probabilities[rows].argmax(axis=1)[order] != final[rows][order])
        enough = np.flatnonzero(differs <= allowed)
        tier.exit_certainty = float(certainty[order[enough[-1]]]) if len(enough) else np.inf


def _promises(
    tiers: list[Tier],
    read: list[tuple[np.ndarray, np.ndarray]],
    last: float,
    label: np.ndarray,
    settings: MessageSettings,
) -> dict[str, float]:
    """Return, for both modes, the certainty from which on the promised risk is kept on left-out messages."""
    risk, label_error = settings.promise["risk"], settings.promise["label_error"]
    disagreement = risk + (1 - 2 * risk) * label_error
    found = {}
    for mode in ("cascade", "thorough"):
        probabilities, scope_score = read[-1]
        probabilities, is_in = probabilities.copy(), scope_score >= last
        if mode == "cascade":
            for tier, earlier in reversed(list(zip(tiers[:-1], read[:-1], strict=True))):
                exits = tier.is_enough(*earlier)
                probabilities[exits], is_in[exits] = earlier[0][exits], True
        is_right = probabilities.argmax(axis=1) == label
        found[mode] = sure_from(
            probabilities.max(axis=1)[is_in], is_right[is_in], disagreement, settings.promise["confidence"]
        )
    return found
