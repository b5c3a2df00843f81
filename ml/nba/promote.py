"""Promote the waiting response model if it earns it on held-out campaigns."""

from datetime import date

from ml import promotion, registry
from ml.comparison import Gain
from ml.frames import EmptyFrame
from ml.nba import frame as contacts
from ml.nba.evaluate import compare
from ml.nba.fit import BASE_RATE
from ml.nba.model import NbaSettings, nba_settings
from ml.promotion import Verdict
from ml.registry import ModelVersion
from runtime import warehouse


def promote_response(as_of: date, promoted_by: str = "promotion rule") -> Verdict | None:
    """Compare the challenger with the champion on the challenger's held-out campaigns and carry out the verdict.

    Without a champion, the challenger must beat the base rate of the actions; if training found nothing that does and
    registered the base rate itself, that becomes the first champion: without it there is no value to decide by.
    Returns None if nobody waits. Raises RegistryError if the model was never trained.
    """
    settings = nba_settings()
    challenger = promotion.waiting(settings.model)
    if challenger is None:
        return None
    current = registry.aliased(settings.model, registry.CHAMPION)
    verdict = _first(challenger, settings) if current is None else _against(challenger, current, settings)
    return promotion.carry_out(verdict, as_of, promoted_by)


def _first(challenger: ModelVersion, settings: NbaSettings) -> Verdict:
    figures = registry.metrics(challenger)
    if registry.load(challenger).learner == BASE_RATE:
        reason = "promoted: no learner beat the base rate of the actions, so the base rate serves"
        return Verdict(challenger, True, reason, figures)
    name = f"response/gain_over_{BASE_RATE}/log_loss"
    gain = Gain(figures[name], figures[f"{name}_low"], figures[f"{name}_high"], draws=None)
    return promotion.judge(
        challenger, gain, "the base rate of the actions", settings.promotion["minimum_gain"], figures
    )


def _against(challenger: ModelVersion, current: ModelVersion, settings: NbaSettings) -> Verdict:
    trained = date.fromisoformat(challenger.tags["as_of"])
    with warehouse.transaction() as connection:
        frame = contacts.response_frame(connection, trained)
    rows = frame[contacts.split(frame, trained, settings)[1]]
    try:
        found = compare(rows, registry.load(challenger), registry.load(current), settings)
    except EmptyFrame as mismatch:
        # The warehouse has moved on from what the champion was trained on, so it cannot serve either.
        verdict = _first(challenger, settings)
        return Verdict(
            challenger, verdict.is_promoted, f"{verdict.reason}; champion cannot serve: {mismatch}", verdict.evidence
        )
    evidence = {
        name: value for metric, gain in found.items() for name, value in gain.as_metrics(f"gain/{metric}").items()
    }
    return promotion.judge(
        challenger,
        found["log_loss"],
        f"champion version {current.version}",
        settings.promotion["minimum_gain"],
        evidence,
    )
