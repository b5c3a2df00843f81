"""What drift.yml says; every field is explained there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

SETTINGS_PATH = Path(__file__).with_name("drift.yml")


@dataclass(frozen=True)
class DriftSettings:
    """When something is said to have drifted, what is left to chance, and when drift makes a training due."""

    bins: int
    moderate: float
    drifted: float
    fewest_rows: int
    false_alarm: float
    messages: Mapping[str, int]
    calibration: Mapping[str, float]
    rest_days: int
    calendar: list[str]


def drift_settings(path: Path = SETTINGS_PATH) -> DriftSettings:
    """Read the settings; an unknown or missing key is an error."""
    return DriftSettings(**yaml.safe_load(path.read_text()))
