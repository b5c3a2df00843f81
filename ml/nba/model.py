"""The facts of the response model and of the decision: settings, and what a fitted model is."""

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
from ml.learners import ACTION

SETTINGS_PATH = Path(__file__).with_name("nba.yml")


@dataclass(frozen=True)
class NetValueSettings:
    """What nba.yml says under net_value; every field is explained there."""

    model: str
    outcome_days: int
    judged_days: int
    learned_days: int
    minimum_decisions: int
    minimum_action_decisions: int
    maximum_decisions: int
    assumed_harm_share: float
    judged_groups: list[str]


@dataclass(frozen=True)
class NbaSettings:
    """What nba.yml says; every field is explained there."""

    model: str
    policy_version: str
    test_days: int
    minimum_responses: int
    maximum_rows: int
    foretold_parts: int
    seed: int
    bootstrap_draws: int
    xgboost: Mapping[str, Any]
    retrain_after_days: int
    promotion: Mapping[str, float]
    purposes: list[str]
    touches_only: Mapping[str, str]
    holdout_share: float
    random_share: float
    learning: Mapping[str, Any]
    net_value: NetValueSettings
    standing: Mapping[str, Any]
    gamma: float
    reward_scale_eur: float
    explored_share: float
    maturity: Mapping[str, float]
    validity_days: int
    reason_facts: list[str]


def nba_settings(path: Path = SETTINGS_PATH) -> NbaSettings:
    """Read the settings; an unknown or missing key is an error."""
    read = of_company(yaml.safe_load(path.read_text()))
    net_value = NetValueSettings(**read["net_value"])
    return NbaSettings(**{**read, "policy_version": str(read["policy_version"]), "net_value": net_value})


class ResponseModel:
    """P(customer redeems | contacted with an action), by one calibrated learner; `learner` names which one it is."""

    def __init__(self, learner: str, features: list[str], pipeline: Any, calibrator: Calibrator) -> None:
        self.learner = learner
        self.features = features
        self.pipeline = pipeline
        self.calibrator = calibrator

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability (n) that the customer of each row responds to the row's `action_id`."""
        return self.calibrator.transform(self.pipeline.predict_proba(self.inputs(frame, self.features))[:, 1])

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probabilities: this model never answers with a bare label."""
        return self.predict_proba(frame)

    @staticmethod
    def inputs(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
        """Return the columns that the pipeline takes: the features as numbers, and the action."""
        return as_numbers(frame, features).assign(**{ACTION: frame[ACTION]})
