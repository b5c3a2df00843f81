"""What a champion is compared with: how its inputs and its scores were distributed when it was trained.

Kept with the model as JSON in its MLflow run: quantiles and counts over all customers, nobody's row.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ml.drift.settings import drift_settings
from ml.drift.stability import Bins, population_stability_index

ARTIFACT = "drift_baseline.json"


@dataclass(frozen=True)
class Baseline:
    """Bins of each input over the rows that the model learned from, and of each score over the held-out ones.

    The scores of rows that a model learned from are too sure, so they are no yardstick. `moved_inputs` and
    `moved_scores`: how far (PSI) the newest rows lay from those bins on the day of the training already, because a
    window was still filling or a season went by. Another training would begin from the same, so it is no news.
    """

    inputs: Mapping[str, Bins]
    scores: Mapping[str, Bins]
    moved_inputs: Mapping[str, float] = field(default_factory=dict)
    moved_scores: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> str:
        bins = {
            part: {name: each.as_json() for name, each in kept.items()}
            for part, kept in (("inputs", self.inputs), ("scores", self.scores))
        }
        return json.dumps(bins | {"moved_inputs": dict(self.moved_inputs), "moved_scores": dict(self.moved_scores)})

    @classmethod
    def from_json(cls, text: str) -> "Baseline":
        read = json.loads(text)
        bins = ({name: Bins.from_json(each) for name, each in read[part].items()} for part in ("inputs", "scores"))
        return cls(*bins, read.get("moved_inputs", {}), read.get("moved_scores", {}))


def baseline_of(
    inputs: Mapping[str, np.ndarray],
    scores: Mapping[str, np.ndarray],
    newest_inputs: Mapping[str, np.ndarray] | None = None,
    newest_scores: Mapping[str, np.ndarray] | None = None,
) -> Baseline:
    """Return the baseline of a model: by name the values (n) that it learned from, its held-out scores (n), and both

    of the newest rows of the training day, where there are any.
    """
    bins = [_bins(inputs), _bins(scores)]
    moved = [
        {name: population_stability_index(kept[name], values) for name, values in (newest or {}).items()}
        for kept, newest in zip(bins, (newest_inputs, newest_scores), strict=True)
    ]
    return Baseline(*bins, *moved)


def _bins(values: Mapping[str, np.ndarray]) -> dict[str, Bins]:
    number = drift_settings().bins
    return {name: Bins.of(np.asarray(found, dtype=float), number) for name, found in values.items()}
