"""Watch the champions every day: have their inputs, their scores or what follows moved away from what they learned?"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ml import registry
from ml.drift.baseline import Baseline
from ml.drift.calibration import calibration
from ml.drift.keep import kept_baseline
from ml.drift.messages import message_sample
from ml.drift.samples import Sample, intent_sample, response_sample
from ml.drift.settings import DriftSettings, drift_settings
from ml.drift.stability import Bins, index_by_chance, population_stability_index
from ml.registry import ModelVersion
from runtime import warehouse

SAMPLES = {"cx_intent": intent_sample, "cx_message_intent": message_sample, "cx_response": response_sample}
STABLE, MODERATE, DRIFTED, TOO_FEW, UNKNOWN = "stable", "moderate", "drifted", "too few", "no baseline"
INPUT, SCORE, CALIBRATION = "input", "score", "calibration"


@dataclass(frozen=True)
class Watched:
    """What was seen of one champion on a day: rows as in quality.model_drift."""

    version: ModelVersion
    as_of: date
    rows: pd.DataFrame

    def summary(self) -> str:
        """Say it in a line."""
        drifted = self.rows[self.rows["status"] == DRIFTED]
        named = ", ".join(f"{kind} {subject} {value:.2f}" for kind, subject, value in _told(drifted)) or "nothing"
        return f"{self.as_of}: {self.version.name} {self.version.version}, {len(self.rows)} looked at, drifted: {named}"


def watch_drift(as_of: date) -> list[Watched]:
    """Replace the rows of `as_of` in quality.model_drift by what is seen of each champion; who has none has no rows.

    Raises EmptyFrame without features of that day.
    """
    watched = []
    with warehouse.transaction() as connection:
        for name in SAMPLES:
            version = registry.aliased(name, registry.CHAMPION)
            rows = pd.DataFrame() if version is None else _watch(connection, version, as_of)
            with connection.cursor() as cursor:
                cursor.execute(
                    "delete from quality.model_drift where model_name = %s and as_of_date = %s", (name, as_of)
                )
            if len(rows):
                warehouse.copy_frame(connection, rows, "quality.model_drift")
            if version is not None:
                watched.append(Watched(version, as_of, rows))
    return watched


def _watch(connection: Any, version: ModelVersion, as_of: date) -> pd.DataFrame:
    model = registry.load(version)
    baseline = kept_baseline(connection, version, model)
    sample = SAMPLES[version.name](connection, version, model, as_of)
    return seen(version, baseline, sample, as_of, drift_settings())


def seen(
    version: ModelVersion, baseline: Baseline | None, sample: Sample, as_of: date, settings: DriftSettings
) -> pd.DataFrame:
    """Return one row per input, score and closed window: kind, subject, value, its limit, status, rows."""
    before = baseline or Baseline({}, {})
    found = [
        _unstable(SCORE, name, before.scores.get(name), values, before.moved_scores.get(name, 0.0), settings)
        for name, values in sample.scores.items()
    ]
    found += [
        _unstable(INPUT, name, before.inputs.get(name), values, before.moved_inputs.get(name, 0.0), settings)
        for name, values in sample.inputs.items()
        if name not in settings.calendar
    ]
    found += [_uncalibrated(name, closed, settings) for name, closed in sample.closed.items()]
    rows = pd.DataFrame(found, columns=["kind", "subject", "value", "drift_limit", "status", "rows"])
    return rows.assign(model_name=version.name, model_version=version.version, as_of_date=as_of)


def _unstable(
    kind: str, name: str, before: Bins | None, values: np.ndarray, moved: float, settings: DriftSettings
) -> tuple:
    """Judge one distribution. What had moved before the training, and what chance can do, count as no drift."""
    if before is None:
        return kind, name, None, settings.drifted, UNKNOWN, len(values)
    index = population_stability_index(before, values)
    chance = index_by_chance(before, values, settings.false_alarm)
    limit = moved + max(settings.drifted, chance)
    status = DRIFTED if index > limit else MODERATE if index > moved + max(settings.moderate, chance) else STABLE
    if min(len(values), before.rows.sum()) < settings.fewest_rows:
        status = TOO_FEW
    return kind, name, index, limit, status, len(values)


def _uncalibrated(name: str, closed: Any, settings: DriftSettings) -> tuple:
    rules = settings.calibration
    found = calibration(closed.customer, closed.label, closed.probability)
    is_off = abs(found.ratio - 1) > rules["tolerance"] and abs(found.z) > rules["z"]
    status = TOO_FEW if found.expected < rules["fewest_expected"] else DRIFTED if is_off else STABLE
    return CALIBRATION, name, found.ratio, rules["tolerance"], status, len(closed.label)


def _told(rows: pd.DataFrame) -> list[tuple]:
    return list(rows.sort_values(["kind", "subject"])[["kind", "subject", "value"]].itertuples(index=False, name=None))
