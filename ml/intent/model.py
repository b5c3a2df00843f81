"""The facts of the intent model: its name, its settings and what a fitted one is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ml.calibration import Calibrator
from ml.company import of_company
from ml.frames import as_numbers

SETTINGS_PATH = Path(__file__).with_name("intent.yml")


@dataclass(frozen=True)
class IntentSettings:
    """What intent.yml says; every field is explained there."""

    model: str
    test_days: int
    validation_days: int
    seed: int
    bootstrap_draws: int
    xgboost: Mapping[str, Any]
    recency_frequency: Mapping[str, list[str]]
    retrain_after_days: int
    promotion: Mapping[str, float]
    abstention: Mapping[str, float]
    leaks: Mapping[str, float]
    segments: Mapping[str, Mapping[str, Any]]


def intent_settings(path: Path = SETTINGS_PATH) -> IntentSettings:
    """Read the settings; an unknown or missing key is an error."""
    return IntentSettings(**of_company(yaml.safe_load(path.read_text())))


class IntentModel:
    """One calibrated classifier per intent over the same features; `learner` names the kind of all of them.

    `pipelines` and `calibrators` are keyed by intent, `base_rates` are the shares of ones in the train part. A customer
    whose top probability is below `abstain_below` is not read as wanting anything.
    """

    abstain_below = 2.0  # nothing was promised

    def __init__(
        self,
        learner: str,
        features: list[str],
        pipelines: dict[str, Any],
        calibrators: dict[str, Calibrator],
        base_rates: dict[str, float],
    ) -> None:
        self.learner = learner
        self.features = features
        self.pipelines = pipelines
        self.calibrators = calibrators
        self.base_rates = base_rates

    @property
    def intents(self) -> list[str]:
        """The intents in the order of the output's columns."""
        return sorted(self.pipelines)

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return P(intent within its horizon), a column per intent (n, intents); intents do not exclude each other."""
        numbers = as_numbers(frame, self.features)
        return pd.DataFrame({intent: self.probability(intent, numbers) for intent in self.intents}, index=frame.index)

    def probability(self, intent: str, numbers: pd.DataFrame) -> np.ndarray:
        """Return the calibrated probability (n) of one intent."""
        return self.calibrators[intent].transform(self.pipelines[intent].predict_proba(numbers)[:, 1])

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the probabilities: this model never answers with a bare label."""
        return self.predict_proba(frame)
