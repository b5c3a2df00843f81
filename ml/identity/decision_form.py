"""A steward's decision as the form of the DAG `steward_identities` says it, and the day to build with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ml.identity import steward
from ml.identity.steward import Decision, Kept, StewardError
from runtime.warehouse import transaction

VERBS = {"split": steward.split, "join": steward.join}


@dataclass(frozen=True)
class CarriedOut:
    """The decision as it is kept, and the day that shows what follows from it."""

    verb: str
    kept: Kept
    built_day: date

    @property
    def summary(self) -> str:
        """One line for the log; entities are numbers of sources, and stay out of it."""
        kept = self.kept
        word = f"{len(kept.pairs)} pairs" if kept.is_new else "stood already, nothing was written"
        return f"Decision {kept.decision_id} ({self.verb}, from {kept.day} on): {word}. Next: build {self.built_day}."


def carry_out(
    verb: str, entities: Sequence[str], others: Sequence[str], done_by: str, reason: str, day: date | None = None
) -> CarriedOut:
    """Keep a decision and say which day to build: the newest that was built, or the decision's if that is later.

    An older day would leave the newest as it was. `day`: from when it holds (default: the newest day known). Raises
    StewardError.
    """
    if verb not in VERBS:
        raise StewardError(f"There is no verb {verb}. Verbs: {', '.join(VERBS)}.")
    kept = VERBS[verb](entities, others, Decision(done_by, reason, day))
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select max(as_of) from quality.gate_results where gate = 'marts.customers'")
        built = cursor.fetchone()[0]
    return CarriedOut(verb, kept, max(kept.day, built or kept.day))
