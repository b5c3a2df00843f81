"""When a run was queued, as the reference of a deadline.

Airflow's own DAGRUN_QUEUED_AT makes every clear of a run with an open deadline answer 500 (apache/airflow#70368, seen
with 3.3.2): it is worked out anew from an interval that it cannot read. A reference of our own is not worked out again:
a cleared run keeps the deadline that it began with.
"""

from datetime import datetime
from typing import Any, ClassVar

from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineReference, deadline_reference


@deadline_reference(DeadlineReference.TYPES.DAGRUN_QUEUED)
class QueuedAt(BaseDeadlineReference):
    """Evaluates to when the run was queued; Airflow knows it by `plugins/deadline_references.py`."""

    required_kwargs: ClassVar[set[str]] = {"dag_id", "run_id"}

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        from airflow.models import DagRun
        from sqlalchemy import select

        return session.scalar(select(DagRun.queued_at).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
