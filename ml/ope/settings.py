"""The settings of off-policy evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

SETTINGS_PATH = Path(__file__).with_name("ope.yml")


@dataclass(frozen=True)
class OpeSettings:
    """What ope.yml says; every field is explained there."""

    folds: int
    seed: int
    confidence: float
    minimum_ess: float
    minimum_events: float
    maximum_weight_z: float
    reward_model: Mapping[str, Any]
    promotion: Mapping[str, Any]

    def with_confidence(self, confidence: float) -> "OpeSettings":
        """Return the same settings with intervals of another confidence."""
        return replace(self, confidence=confidence)


def ope_settings(path: Path = SETTINGS_PATH) -> OpeSettings:
    """Read the settings; an unknown or missing key is an error."""
    return OpeSettings(**yaml.safe_load(path.read_text()))
