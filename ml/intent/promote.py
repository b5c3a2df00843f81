"""Promote the waiting intent model if it earns it on held-out weeks."""

from datetime import date

from ml import promotion, registry
from ml.comparison import Gain
from ml.frames import EmptyFrame
from ml.intent import frame as labelled
from ml.intent.evaluate import compare
from ml.intent.fit import BASELINE
from ml.intent.model import IntentSettings, intent_settings
from ml.promotion import Verdict
from ml.registry import ModelVersion
from runtime import warehouse


def promote_intent(as_of: date, promoted_by: str = "promotion rule") -> Verdict | None:
    """Compare the challenger with the champion on the challenger's held-out weeks and carry out the verdict.

    Without a champion the challenger must beat the recency-frequency baseline of its own run; if nothing did and
    training registered the baseline itself, that becomes the first champion. Returns None if nobody waits.
    Raises RegistryError if the model was never trained.
    """
    settings = intent_settings()
    challenger = promotion.waiting(settings.model)
    if challenger is None:
        return None
    current = registry.aliased(settings.model, registry.CHAMPION)
    verdict = _first(challenger, settings) if current is None else _against(challenger, current, settings)
    return promotion.carry_out(verdict, as_of, promoted_by)


def _first(challenger: ModelVersion, settings: IntentSettings) -> Verdict:
    """Judge against the baseline by the figures of the training run, which saw the same held-out weeks."""
    figures = registry.metrics(challenger)
    if registry.load(challenger).learner == BASELINE:
        reason = f"promoted: no learner beat the {BASELINE} baseline, so the baseline serves"
        return Verdict(challenger, True, reason, figures)
    name = f"macro/gain_over_{BASELINE}/log_loss"
    gain = Gain(figures[name], figures[f"{name}_low"], figures[f"{name}_high"], draws=None)
    evidence = {key: figures[key] for key in sorted(figures) if key.startswith("macro/")}
    return promotion.judge(challenger, gain, f"the {BASELINE} baseline", settings.promotion["minimum_gain"], evidence)


def _against(challenger: ModelVersion, current: ModelVersion, settings: IntentSettings) -> Verdict:
    trained = date.fromisoformat(challenger.tags["as_of"])
    with warehouse.transaction() as connection:
        frame = labelled.labelled_frame(connection, trained)
    test = labelled.split(frame, trained, settings).test
    try:
        found = compare(frame, test, registry.load(challenger), registry.load(current), settings)
    except (EmptyFrame, KeyError) as mismatch:
        # The warehouse has moved on from what the champion was trained on, so it cannot serve either.
        verdict = _first(challenger, settings)
        return Verdict(
            verdict.version,
            verdict.is_promoted,
            f"{verdict.reason}; champion cannot serve: {mismatch}",
            verdict.evidence,
        )
    evidence = {
        f"{group}/gain/{metric}{end}": getattr(gain, name)
        for group, by_metric in found.items()
        for metric, gain in by_metric.items()
        for end, name in (("", "point"), ("_low", "low"), ("_high", "high"))
    }
    return promotion.judge(
        challenger,
        found["macro"]["log_loss"],
        f"champion version {current.version}",
        settings.promotion["minimum_gain"],
        evidence,
    )
