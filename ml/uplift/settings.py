"""The settings of the uplift models."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SETTINGS_PATH = Path(__file__).with_name("uplift.yml")


@dataclass(frozen=True)
class UpliftSettings:
    """What uplift.yml says; every field is explained there."""

    folds: int
    seed: int
    confidence: float
    xgboost: Mapping[str, Any]
    ridge_penalties: list[float]


def uplift_settings(path: Path = SETTINGS_PATH) -> UpliftSettings:
    """Read the settings; an unknown or missing key is an error."""
    return UpliftSettings(**yaml.safe_load(path.read_text()))
