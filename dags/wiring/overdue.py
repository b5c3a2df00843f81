"""Airflow's deadline of a landing run: not done in time, and every department that was not checked yet is alerted.

The scheduler notices a missed deadline and the triggerer calls `alert_overdue`; both are seen in the run's page. A
deadline belongs to a run, not to a task: which department is late within a run that is done, its gate tells.
"""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import AsyncCallback, DeadlineAlert

from dags.wiring.clock import resolve_as_of
from dags.wiring.queued_at import QueuedAt

# A day of 100,000 people landed in 18 s, their whole history in 223 s (load average 9, gates not counted).
LANDS_WITHIN = timedelta(minutes=30)


async def alert_overdue(context: dict[str, Any], **_: Any) -> None:
    """Write an alert for each department without a verdict for the run's day."""
    await asyncio.to_thread(_write, _day_of(context["dag_run"]))


def _day_of(run: dict[str, Any]) -> date:
    """The day of a run as the deadline's context describes it: its form, its partition, its logical date."""
    logical = run.get("logical_date")
    logical = datetime.fromisoformat(logical.replace("Z", "+00:00")) if isinstance(logical, str) else logical
    given = {"params": run.get("conf") or {}, "partition_key": run.get("partition_key"), "logical_date": logical}
    return resolve_as_of(given)


def _write(day: date) -> None:
    from expectations.alerts import alert_overdue_departments
    from landing.contracts import departments

    alert_overdue_departments(departments(), day, LANDS_WITHIN)


LANDING_DEADLINE = DeadlineAlert(
    reference=QueuedAt(),
    interval=LANDS_WITHIN,
    callback=AsyncCallback(alert_overdue),
    name="landed in time",
)
