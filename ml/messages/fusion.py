"""How several experts become one probability: a weighted sum of their scores, weights by likelihood on left-out folds.

This is temperature scaling (Guo et al., ICML 2017) with one temperature per expert: few numbers, so that noisy labels
cannot bend them.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax


class Fusion:
    """Weights, one per expert, all at least 0."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    @classmethod
    def fit(cls, scores: Sequence[np.ndarray], label: np.ndarray) -> "Fusion":
        """Find the weights with the smallest log-loss on left-out scores, each (n, intents), and labels (n)."""
        rows = np.arange(len(label))

        def loss(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
            weights = np.exp(logarithms)
            fused = sum(weight * score for weight, score in zip(weights, scores, strict=True))
            normaliser = logsumexp(fused, axis=1, keepdims=True)
            expected = np.exp(fused - normaliser)
            slopes = [
                weight * np.mean((expected * score).sum(axis=1) - score[rows, label])
                for weight, score in zip(weights, scores, strict=True)
            ]
            return float(np.mean(normaliser[:, 0] - fused[rows, label])), np.array(slopes)

        start = np.array([np.log(1 / max(score.std(), 1e-6)) for score in scores])
        bounds = [(first - 8, first + 8) for first in start]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
        return cls(np.exp(found.x))

    def fuse(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """Return the fused logits (n, intents)."""
        return sum(weight * score for weight, score in zip(self.weights, scores, strict=True))

    def probabilities(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """Return P(intent), rows sum to 1 (n, intents)."""
        return softmax(self.fuse(scores).astype(float), axis=1)
