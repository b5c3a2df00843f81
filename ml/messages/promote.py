"""Promote the waiting message model if it earns it on later messages."""

from datetime import date

from ml import promotion, registry
from ml.comparison import Gain
from ml.messages.evaluate import compare
from ml.messages.frame import labelled_parts, messages
from ml.messages.model import message_settings
from ml.promotion import Verdict
from runtime import warehouse


def promote_messages(as_of: date, promoted_by: str = "promotion rule") -> Verdict | None:
    """Compare the challenger with the champion on the challenger's later messages and carry out the verdict.

    Without a champion the challenger must beat the shares of the intents. Returns None if nobody waits. Raises
    RegistryError if the model was never trained.
    """
    settings = message_settings()
    challenger = promotion.waiting(settings.model)
    if challenger is None:
        return None
    current, evidence = registry.aliased(settings.model, registry.CHAMPION), registry.metrics(challenger)
    if current is None:
        name = "gain_over_prior/log_loss"
        gain = Gain(evidence[name], evidence[f"{name}_low"], evidence[f"{name}_high"], draws=None)
        opponent = "the shares of the intents"
    else:
        trained = date.fromisoformat(challenger.tags["as_of"])
        with warehouse.transaction() as connection:
            test = labelled_parts(messages(connection, trained), trained, settings)[2]
        gain = compare(registry.load(challenger), registry.load(current), test, settings)
        opponent = f"champion version {current.version}"
    verdict = promotion.judge(challenger, gain, opponent, settings.promotion["minimum_gain"], evidence)
    return promotion.carry_out(verdict, as_of, promoted_by)
