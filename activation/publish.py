"""Publish the intents and next best actions of a day, all customers at once, if the score gate passed."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from runtime import warehouse

GATE = "scores.decisions"
_SQL = Path(__file__).parent / "sql"
# Any number of our own: two publishes at a time would each delete what the other has not yet shown.
_LOCK = 7_203_442


class PublishRefused(RuntimeError):
    """Nothing was published and the last good state stays live; the message says why."""


@dataclass(frozen=True)
class Publication:
    """What is live now: the rows of both tables and the checksum over them."""

    as_of: date
    intent_scores_rows: int
    next_best_actions_rows: int
    checksum: str


def publish(as_of: date, allow_older: bool = False) -> Publication:
    """Replace what channels see by the scores and decisions of `as_of`, in one transaction.

    Readers see the whole old state until it commits, then the whole new one. Publishing a day again changes nothing.
    Raises PublishRefused if the gate did not pass, if there is nothing to publish, or if a later day is live
    (unless `allow_older`).
    """
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        require_gate(cursor, GATE, as_of)
        if not allow_older:
            _require_newest(cursor, as_of)
        for name in ("intent_scores", "next_best_actions", "intent_actions"):
            cursor.execute((_SQL / f"{name}.sql").read_text(), {"as_of": as_of})
        cursor.execute((_SQL / "publications.sql").read_text(), {"as_of": as_of})
        publication = Publication(*cursor.fetchone())
        if not publication.intent_scores_rows or not publication.next_best_actions_rows:
            raise PublishRefused(f"There are no scores or decisions of {as_of}. Run score_customers for that day.")
        return publication


def require_gate(cursor: Any, gate: str, as_of: date) -> None:
    """Raise PublishRefused if a gate ("layer.name") has not run for a day or failed a critical expectation."""
    cursor.execute(
        "select count(*), count(*) filter (where severity = 'critical' and not success),"
        " min(message) filter (where severity = 'critical' and not success)"
        " from quality.gate_results where gate = %s and as_of = %s",
        (gate, as_of),
    )
    results, failed, message = cursor.fetchone()
    if not results:
        raise PublishRefused(f"Gate {gate} has not run for {as_of}. Run check_{gate.replace('.', '_')} first.")
    if failed:
        raise PublishRefused(f"Gate {gate} failed {failed} critical expectations for {as_of}: {message}")


def _require_newest(cursor: Any, as_of: date) -> None:
    cursor.execute("select max(as_of_date) from activation.next_best_actions")
    live = cursor.fetchone()[0]
    if live is not None and live > as_of:
        raise PublishRefused(f"{live} is live; {as_of} would take channels back. Ask for it with allow_older.")
