"""What an encoder says: a multinomial logistic regression on its vectors, and how near a message is to known ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from ml.messages.words import spread


class MeaningExpert:
    """The intents as seen by one encoder. Vectors are centred on the mean of the training messages first:

    encoders put all sentences into a narrow cone, and the angle from its middle tells more than the angle from zero.
    """

    def __init__(self, centre: np.ndarray, weights: np.ndarray, intercept: np.ndarray, prototypes: np.ndarray) -> None:
        self.centre = centre
        self.weights = weights
        self.intercept = intercept
        self.prototypes = prototypes

    @classmethod
    def fit(
        cls, vectors: np.ndarray, label: np.ndarray, intents: int, settings: Mapping[str, Any], seed: int
    ) -> "MeaningExpert":
        """Fit on vectors (n, d) and labels (n) as numbers below `intents`."""
        centre = vectors.mean(axis=0)
        centred = _centred(vectors, centre)
        # lbfgs stops by itself before 300 rounds on 150 intents.
        learner = LogisticRegression(C=settings["penalty"], max_iter=300).fit(centred, label)
        weights, intercept = spread(learner.coef_, learner.intercept_, learner.classes_, intents)
        prototypes = [_prototypes(centred[label == intent], settings, seed) for intent in np.unique(label)]
        return cls(centre, weights, intercept, _unit(np.vstack(prototypes)))

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """Return logits (n, intents)."""
        return _centred(vectors, self.centre) @ self.weights + self.intercept

    def nearness(self, vectors: np.ndarray) -> np.ndarray:
        """Return the cosine (n) to the nearest prototype of any intent."""
        return (_centred(vectors, self.centre) @ self.prototypes.T).max(axis=1)


def _prototypes(vectors: np.ndarray, settings: Mapping[str, Any], seed: int) -> np.ndarray:
    wanted = min(settings["prototypes"], max(1, len(vectors) // settings["messages_per_prototype"]))
    if wanted == 1:
        return vectors.mean(axis=0, keepdims=True)
    return KMeans(wanted, n_init=1, random_state=seed).fit(vectors).cluster_centers_


def _centred(vectors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return _unit(vectors - centre)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)).astype(np.float32)
