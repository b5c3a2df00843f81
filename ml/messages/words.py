"""What the words say: hashed word and character grams, TF-IDF, one linear SVM per intent.

The tier that needs no encoder and answers 90 % of what is easy. Grams are kept as numbers of a hash (MurmurHash3), so
that a fitted model holds no list of what people wrote.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

_KINDS = (("word", "word_ngrams"), ("char_wb", "character_ngrams"))


class WordGrams:
    """Weighs counted grams: which are kept, because enough messages had them, and how rare each is."""

    def __init__(self, kept: dict[str, np.ndarray], rarity: dict[str, np.ndarray]) -> None:
        self.kept = kept
        self.rarity = rarity

    @classmethod
    def fit(cls, counted: Mapping[str, sparse.csr_matrix], minimum_messages: int) -> "WordGrams":
        """Learn from the counts of the training messages."""
        kept, rarity = {}, {}
        for kind, counts in counted.items():
            seen_in = np.bincount(counts.indices, minlength=counts.shape[1])
            kept[kind] = np.flatnonzero(seen_in >= minimum_messages)
            rarity[kind] = (np.log((1 + counts.shape[0]) / (1 + seen_in[kept[kind]])) + 1).astype(np.float32)
        return cls(kept, rarity)

    def rows(self, counted: Mapping[str, sparse.csr_matrix]) -> sparse.csr_matrix:
        """Return TF-IDF rows (n, grams), float32, each kind of gram of unit length."""
        blocks = []
        for kind, counts in counted.items():
            kept, places = self.kept[kind], np.searchsorted(self.kept[kind], counts.indices)
            known = np.append(kept, -1)[places] == counts.indices
            ends = np.concatenate([[0], np.cumsum(known)])[counts.indptr]
            places = places[known]
            block = sparse.csr_matrix(
                ((1 + np.log(counts.data[known])) * self.rarity[kind][places], places, ends),
                shape=(counts.shape[0], len(kept)),
            )
            blocks.append(normalize(block, copy=False))
        return sparse.hstack(blocks, format="csr", dtype=np.float32)


def count(texts: Sequence[str], settings: Mapping[str, Any]) -> dict[str, sparse.csr_matrix]:
    """Count the grams of each text by the number of their hash: (n, 2 ** hash_bits) by kind of gram."""
    return {
        kind: HashingVectorizer(
            analyzer=kind,
            ngram_range=tuple(settings[setting]),
            n_features=1 << settings["hash_bits"],
            token_pattern=r"(?u)\b\w+\b",
            alternate_sign=False,
            norm=None,
            dtype=np.float32,
        ).transform(texts)
        for kind, setting in _KINDS
    }


class WordsExpert:
    """One linear SVM per intent on the words."""

    def __init__(self, weights: np.ndarray, intercept: np.ndarray) -> None:
        self.weights = weights
        self.intercept = intercept

    @classmethod
    def fit(cls, rows: sparse.csr_matrix, label: np.ndarray, intents: int, penalty: float, seed: int) -> "WordsExpert":
        """Fit on TF-IDF `rows` (n, grams) and labels (n) as numbers below `intents`.

        An intent without an example (of a fold) gets a score below all others.
        """
        learner = LinearSVC(C=penalty, random_state=seed).fit(rows, label)
        weights, intercept = spread(learner.coef_, learner.intercept_, learner.classes_, intents)
        return cls(weights, intercept)

    def scores(self, rows: sparse.csr_matrix) -> np.ndarray:
        """Return margins (n, intents)."""
        return rows @ self.weights + self.intercept


def spread(
    weights: np.ndarray, intercept: np.ndarray, classes: np.ndarray, intents: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights as (d, intents) and the intercepts (intents), float32, from a fitted linear model.

    Of two classes scikit-learn keeps one row of weights; of a class that was not there it keeps none.
    """
    if len(classes) == 2:
        weights, intercept = np.vstack([-weights, weights]), np.concatenate([-intercept, intercept])
    whole = np.zeros((weights.shape[1], intents), dtype=np.float32)
    whole[:, classes] = weights.T
    below = np.full(intents, intercept.min() - 1, dtype=np.float32)
    below[classes] = intercept
    return whole, below
