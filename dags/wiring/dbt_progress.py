"""Show how each dbt model fares as a task of its own that costs no process.

A model's task never starts on a worker: the scheduler hands it straight to the triggerer (`start_from_trigger`), and
there it ends green, red or skipped when the build tells by XCom that its model has ended. All triggers of a run share
one look at that XCom per second. Measured against astronomer-cosmos in docs/decisions.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import (
    BaseTrigger,
    StartTriggerArgs,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)
from asgiref.sync import sync_to_async

PROGRESS = "progress"
# A build that waits for its turn may still carry the progress of an earlier try: it counts from "running" on.
BEGUN = {"running", "success", "failed", "up_for_retry"}
ENDED = {"success", "failed", "upstream_failed", "skipped", "removed"}


class ModelTask(BaseOperator):
    """Mirrors how `model` ended in the dbt run of `build_task_id`; it never runs on a worker."""

    start_from_trigger = True

    def __init__(self, *, model: str, build_task_id: str, **kwargs: Any):
        super().__init__(retries=0, execution_timeout=None, trigger_rule="always", **kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{ModelTrigger.__module__}.{ModelTrigger.__qualname__}",
            trigger_kwargs={"model": model, "build_task_id": build_task_id},
            next_method="execute",
        )

    def execute(self, context: Context) -> None:
        """Airflow wants a method; a worker that gets here means the scheduler ignored `start_from_trigger`."""
        raise RuntimeError("A model's task ends in the triggerer. Is the triggerer older than Airflow 3.3?")


class ModelTrigger(BaseTrigger):
    """Waits until the build has told how `model` ended, or has ended itself without it."""

    looks: ClassVar[dict[tuple[str, str, str], "SharedLook"]] = {}

    def __init__(self, model: str, build_task_id: str):
        super().__init__()
        self.model = model
        self.build_task_id = build_task_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Tell the triggerer how to make this trigger again."""
        kwargs = {"model": self.model, "build_task_id": self.build_task_id}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that ends the task."""
        run = (self.task_instance.dag_id, self.task_instance.run_id, self.build_task_id)
        look = self.looks.setdefault(run, SharedLook(*run))
        while True:
            state, progress = await look.fresh()
            end = progress.get(self.model, {})
            if end.get("state") == "success":
                self.log.info("%s: %s in %s s", self.model, end["message"], end["seconds"])
                yield TaskSuccessEvent()
                return
            if state in ENDED:
                if end.get("state") == "failed":
                    self.log.error("%s failed: %s", self.model, end["message"])
                    yield TaskFailedEvent()
                else:
                    self.log.warning("%s was not built: the build is %s", self.model, state)
                    yield TaskSkippedEvent()
                return
            await asyncio.sleep(SharedLook.SECONDS)


class SharedLook:
    """State and progress of one build, asked for at most once per second however many triggers want to know."""

    SECONDS = 1.0

    def __init__(self, dag_id: str, run_id: str, task_id: str):
        self.dag_id, self.run_id, self.task_id = dag_id, run_id, task_id
        self._lock = asyncio.Lock()
        self._seen_at = float("-inf")
        self._seen: tuple[str | None, dict[str, Any]] = (None, {})

    async def fresh(self) -> tuple[str | None, dict[str, Any]]:
        """The build's state and how its models ended, at most a second old."""
        async with self._lock:
            if time.monotonic() - self._seen_at >= self.SECONDS:
                self._seen = await sync_to_async(self._ask)()
                self._seen_at = time.monotonic()
        return self._seen

    def _ask(self) -> tuple[str | None, dict[str, Any]]:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
        from airflow.sdk.execution_time.xcom import XCom

        # State first: progress that is read after the state "ended" is complete.
        states = RuntimeTaskInstance.get_task_states(dag_id=self.dag_id, task_ids=[self.task_id], run_ids=[self.run_id])
        state = states.get(self.run_id, {}).get(self.task_id)
        if state not in BEGUN:
            return state, {}
        return state, XCom.get_one(dag_id=self.dag_id, run_id=self.run_id, task_id=self.task_id, key=PROGRESS) or {}
