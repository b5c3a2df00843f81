"""What asking a human is worth: labels that `ml.messages.review` asks for against as many drawn at random, by round.

All begin with the same messages, a few of each intent. They are read by what one encoder says (`ml.messages.meaning`,
of several the last): its vectors are computed once, and only the regression on them is fitted anew each round, which
takes seconds where the whole model would take an hour. The random side is drawn several times. Of large sets a part is
taken.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import softmax

from bench.public_sets.messages import Task, few
from ml.messages.encoders import EncoderMissing, available, encode, remembering
from ml.messages.meaning import MeaningExpert
from ml.messages.model import MessageSettings
from ml.messages.review import uncertain
from ml.messages.text import readable

PER_INTENT, ROUNDS, DRAWS = 3, 4, 3
POOL, JUDGED = 1500, 600  # messages

Choose = Callable[[np.ndarray, np.ndarray], np.ndarray]


def learning_curve(task: Task, settings: MessageSettings, step: int, seed: int) -> dict[str, list[float]]:
    """Return `labels` and the accuracy in scope by round: `asked`, `random` (mean), `random_low`, `random_high`.

    Raises EncoderMissing if no encoder of the settings is installed.
    """
    encoders = [name for name in settings.encoders if name in available()]
    if not encoders:
        raise EncoderMissing("The learning curve needs an encoder: name one with --encoders, or run `make install`.")
    train = _part(task.train, task.out_of_scope, POOL, seed).drop_duplicates("text", ignore_index=True)
    test = _part(task.test, task.out_of_scope, JUDGED, seed)
    intents, label = np.unique(train["label"].to_numpy(str), return_inverse=True)
    begins = few(train.reset_index(), PER_INTENT, seed)["index"].to_numpy()

    def asked(probabilities: np.ndarray, left: np.ndarray) -> np.ndarray:
        return uncertain(pd.DataFrame(probabilities, index=left), train["text"][left], step, settings).to_numpy()

    with remembering():
        pool, judged = (encode(encoders[-1], [readable(text) for text in part["text"]]) for part in (train, test))

        def rounds(choose: Choose) -> list[float]:
            known, found = begins, []
            for number in range(ROUNDS + 1):
                expert = MeaningExpert.fit(pool[known], label[known], len(intents), settings.meaning, seed)
                top = intents[expert.scores(judged).argmax(axis=1)]
                found.append(round(float((top == test["label"].to_numpy(str)).mean()), 4))
                if number < ROUNDS:
                    left = np.setdiff1d(np.arange(len(train)), known)
                    known = np.concatenate([known, choose(softmax(expert.scores(pool[left]), axis=1), left)])
            return found

        ours, *drawn = (rounds(side) for side in (asked, *(_at_random(step, seed + draw) for draw in range(DRAWS))))
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
