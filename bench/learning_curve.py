"""What asking a human is worth: labels where the model wavers against as many drawn at random, round by round.

Both sides begin with the same messages, a few of each intent, and are read by the same model. Each round adds as many
labels: one side those that `ml.messages.review` would ask for, the other a random draw, over several draws.
"""

import numpy as np
import pandas as pd

from bench.public_sets.messages import Task, few
from ml.messages.fit import fit
from ml.messages.model import MessageModel, MessageSettings
from ml.messages.review import uncertain

PER_INTENT, ROUNDS, DRAWS = 3, 4, 3


def learning_curve(task: Task, settings: MessageSettings, step: int, seed: int) -> dict[str, list[float]]:
    """Return `labels` and the accuracy in scope by round: `asked`, `random` (mean), `random_low`, `random_high`."""
    train = task.train[task.train["label"] != task.out_of_scope].reset_index(drop=True)
    test = task.test[task.test["label"] != task.out_of_scope]
    begins = _places(train, few(train, PER_INTENT, seed))
    asked = _rounds(train, test, begins, settings, lambda model, left: _wavering(model, train, left, step))
    drawn = []
    for draw in range(DRAWS):
        random = np.random.default_rng(seed + draw)
        drawn.append(
            _rounds(
                train,
                test,
                begins,
                settings,
                lambda _, left, random=random: random.choice(left, min(step, len(left)), replace=False),
            )
        )
    return {
        "labels": [min(len(begins) + step * number, len(train)) for number in range(ROUNDS + 1)],
        "asked": asked,
        "random": np.mean(drawn, axis=0).round(4).tolist(),
        "random_low": np.min(drawn, axis=0).tolist(),
        "random_high": np.max(drawn, axis=0).tolist(),
    }


def _rounds(
    train: pd.DataFrame, test: pd.DataFrame, begins: np.ndarray, settings: MessageSettings, choose
) -> list[float]:
    known, found = begins, []
    for number in range(ROUNDS + 1):
        part = train.loc[known]
        model, _ = fit(part["text"].tolist(), part["label"].tolist(), settings)
        read = model.read(test["text"].tolist(), thorough=True)
        found.append(round(float((read.top == test["label"].to_numpy(object)).mean()), 4))
        if number < ROUNDS:
            left = np.setdiff1d(np.arange(len(train)), known)
            known = np.concatenate([known, np.asarray(choose(model, left))])
    return found


def _wavering(model: MessageModel, train: pd.DataFrame, left: np.ndarray, step: int) -> np.ndarray:
    read = model.read(train.loc[left, "text"].tolist(), thorough=True)
    return uncertain(pd.DataFrame(read.probabilities, index=left, columns=model.intents), step).to_numpy()


def _places(train: pd.DataFrame, part: pd.DataFrame) -> np.ndarray:
    """Find the rows of `part` in `train`; of equal ones the first."""
    first = train.reset_index().drop_duplicates(["text", "label"]).set_index(["text", "label"])["index"]
    return np.unique(first.loc[list(zip(part["text"], part["label"], strict=True))].to_numpy())
