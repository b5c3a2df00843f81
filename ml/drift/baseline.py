"""What a champion is compared with: how its inputs and its scores were distributed when it was trained.

Kept with the model as JSON in its MLflow run: quantiles and counts over all customers, nobody's row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.drift.settings import drift_settings
from ml.drift.stability import Bins
from ml.frames import as_numbers

ARTIFACT = "drift_baseline.json"


@dataclass(frozen=True)
class Baseline:
    """Bins of each feature over the rows that the model learned from, and of each score over the held-out ones.

    The scores of rows that a model learned from are too sure, so they are no yardstick.
    """

    inputs: Mapping[str, Bins]
    scores: Mapping[str, Bins]

    def as_json(self) -> str:
        parts = {"inputs": self.inputs, "scores": self.scores}
        return json.dumps({part: {name: bins.as_json() for name, bins in kept.items()} for part, kept in parts.items()})

    @classmethod
    def from_json(cls, text: str) -> "Baseline":
        read = json.loads(text)
        return cls(
            *({name: Bins.from_json(bins) for name, bins in read[part].items()} for part in ("inputs", "scores"))
        )


def baseline_of(train: pd.DataFrame, features: list[str], scores: Mapping[str, np.ndarray]) -> Baseline:
    """Return the baseline of a model: `train` is what it learned from, `scores` held-out probabilities (n)."""
    number = drift_settings().bins
    inputs = as_numbers(train, features)
    return Baseline(
        {name: Bins.of(inputs[name].to_numpy(), number) for name in features},
        {name: Bins.of(np.asarray(values, dtype=float), number) for name, values in scores.items()},
    )
