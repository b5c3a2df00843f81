"""What asking a human is worth: labels that `ml.messages.review` asks for against as many drawn at random, by round.

All begin with the same messages, a few of each intent, and are read by the same model, fitted anew each round. The
random side is drawn several times. Sentence vectors are computed once; of large sets a part is taken, so that the
encoders do not use up the time.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.public_sets.messages import Task, few
from ml.messages.encoders import remembering
from ml.messages.fit import fit
from ml.messages.model import MessageModel, MessageSettings
from ml.messages.review import uncertain

PER_INTENT, ROUNDS, DRAWS = 3, 4, 3
POOL, JUDGED = 2000, 700  # messages
FOLDS = 2  # weigh the experts; more change nothing in what is compared

Choose = Callable[[MessageModel, np.ndarray], np.ndarray]


def learning_curve(task: Task, settings: MessageSettings, step: int, seed: int) -> dict[str, list[float]]:
    """Return `labels` and the accuracy in scope by round: `asked`, `random` (mean), `random_low`, `random_high`."""
    settings = replace(settings, folds=FOLDS, folds_when_few=FOLDS)
    train = _part(task.train, task.out_of_scope, POOL, seed).drop_duplicates("text", ignore_index=True)
    test = _part(task.test, task.out_of_scope, JUDGED, seed)
    begins = few(train.reset_index(), PER_INTENT, seed)["index"].to_numpy()

    def asked(model: MessageModel, left: np.ndarray) -> np.ndarray:
        said = train["text"][left]
        read = model.read(said.tolist(), thorough=True)
        wide = pd.DataFrame(read.probabilities, index=left, columns=model.intents)
        return uncertain(wide, said, step, settings).to_numpy()

    with remembering():
        first = _fitted(train.loc[begins], settings)
        sides = [asked, *(_at_random(step, seed + number) for number in range(DRAWS))]
        ours, *drawn = (_rounds(train, test, begins, first, settings, choose) for choose in sides)
    return {
        "labels": [min(len(begins) + step * number, len(train)) for number in range(ROUNDS + 1)],
        "asked": ours,
        "random": np.mean(drawn, axis=0).round(4).tolist(),
        "random_low": np.min(drawn, axis=0).tolist(),
        "random_high": np.max(drawn, axis=0).tolist(),
    }


def _part(frame: pd.DataFrame, out_of_scope: str | None, most: int, seed: int) -> pd.DataFrame:
    inside = frame[frame["label"] != out_of_scope]
    return inside.sample(min(most, len(inside)), random_state=seed).reset_index(drop=True)


def _at_random(step: int, seed: int) -> Choose:
    chance = np.random.default_rng(seed)
    return lambda _, left: chance.choice(left, min(step, len(left)), replace=False)


def _rounds(
    train: pd.DataFrame,
    test: pd.DataFrame,
    begins: np.ndarray,
    first: MessageModel,
    settings: MessageSettings,
    choose: Choose,
) -> list[float]:
    known, model, found = begins, first, []
    for number in range(ROUNDS + 1):
        read = model.read(test["text"].tolist(), thorough=True)
        found.append(round(float((read.top == test["label"].to_numpy(object)).mean()), 4))
        if number < ROUNDS:
            left = np.setdiff1d(np.arange(len(train)), known)
            known = np.concatenate([known, np.asarray(choose(model, left))])
            model = _fitted(train.loc[known], settings)
    return found


def _fitted(part: pd.DataFrame, settings: MessageSettings) -> MessageModel:
    return fit(part["text"].tolist(), part["label"].tolist(), settings)[0]
