"""Which delivered batches a model version was trained from, and what it decided: what a recall has to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml.registry import ModelVersion
from runtime.warehouse import transaction

# The rule of the warehouse: a batch is in it from its known_date on. So a version of as_of saw what was accepted when
# it was trained and known by as_of.
_KEEP = """
    insert into scores.training_batches (model_name, version, as_of_date, batches)
    select %(name)s, %(version)s, %(as_of)s,
        coalesce(array_agg(department || '/' || batch_id order by department, batch_id), '{}')
    from quality.accepted_batches
    where known_date <= %(as_of)s
    on conflict do nothing
"""

# Of a version that was champion more than once: since when first, and until when at last. Decisions by version: the
# response model gave the value, the intent model the intent.
_SAW = """
    select saw.model_name, saw.version, saw.as_of_date, saw.is_recorded, held.from_date, held.until_date,
        made.decisions, made.first_day, made.last_day, made.live
    from scores.versions_that_saw(%(batches)s) as saw
    cross join lateral (
        select min(from_date) as from_date, nullif(max(coalesce(until_date, 'infinity')), 'infinity') as until_date
        from scores.champion_history as champion
        where champion.model_name = saw.model_name and champion.version = saw.version
    ) as held
    cross join lateral (
        select count(*) as decisions, min(ledger.as_of_date) as first_day, max(ledger.as_of_date) as last_day,
            count(published.decision_id) as live
        from decisions.decision_ledger as ledger
        left join activation.next_best_actions as published
            on published.decision_id = ledger.decision_id and published.rank = 1
        where (ledger.model_name, ledger.model_version) = (saw.model_name, saw.version)
            or (ledger.intent_model_name, ledger.intent_model_version) = (saw.model_name, saw.version)
    ) as made
    order by saw.model_name, saw.version::integer
"""


@dataclass(frozen=True)
class Saw:
    """A version that saw a batch: since and until when it was champion (None: never, still), and its decisions.

    `is_recorded`: its list of batches was kept at training; otherwise it follows from the days alone, so it *may* have
    seen it. `live`: how many of its decisions channels read now.
    """

    model: str
    version: str
    trained_as_of: date
    is_recorded: bool
    champion_from: date | None
    champion_until: date | None
    decisions: int
    first_decided: date | None
    last_decided: date | None
    live: int

    @property
    def is_champion(self) -> bool:
        return self.champion_from is not None and self.champion_until is None


def keep(connection: Any, version: ModelVersion, as_of: date) -> None:
    """Keep the batches that `version` was trained from; what is kept already stays."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"name": version.name, "version": version.version, "as_of": as_of})


def find_batches(department: str, batch_id: str | None = None, day: date | None = None) -> list[tuple]:
    """List (batch_id, verdict, known_date) of judged batches: the one named, or those of a day.

    A batch is of a day if it carries the day in its name, or became known on it.
    """
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select batch_id, verdict, known_date from quality.batch_verdicts where department = %(department)s"
            " and (batch_id = %(batch)s or known_date = %(day)s or %(day)s::text = any(string_to_array(batch_id, '/')))"
            " order by batch_id",
            {"department": department, "batch": batch_id, "day": day},
        )
        return cursor.fetchall()


def versions_that_saw(department: str, batch_ids: Sequence[str]) -> list[Saw]:
    """List the model versions that were trained from any of the batches, with what they decided."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(_SAW, {"batches": [f"{department}/{batch_id}" for batch_id in batch_ids]})
        return [Saw(*row) for row in cursor.fetchall()]


def decisions_of(found: Sequence[Saw]) -> list[tuple]:
    """List (decision_id, as_of_date, action_id, is_live) of every decision that one of the versions made."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select ledger.decision_id, ledger.as_of_date, ledger.action_id, published.decision_id is not null
            from decisions.decision_ledger as ledger
            left join activation.next_best_actions as published
                on published.decision_id = ledger.decision_id and published.rank = 1
            where exists (
                select from unnest(%(models)s::text[], %(versions)s::text[]) as saw (model, version)
                where (ledger.model_name, ledger.model_version) = (saw.model, saw.version)
                    or (ledger.intent_model_name, ledger.intent_model_version) = (saw.model, saw.version)
            )
            order by ledger.as_of_date, ledger.decision_id
            """,
            {"models": [saw.model for saw in found], "versions": [saw.version for saw in found]},
        )
        return cursor.fetchall()
