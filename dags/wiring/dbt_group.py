"""A task group that runs dbt once and shows every model it builds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from airflow.sdk import Param, TaskGroup, XComArg, get_current_context, task

from dags.wiring.clock import as_of
from dags.wiring.dbt_models import Model, models_in
from dags.wiring.dbt_progress import PROGRESS, ModelTask

Progress = dict[str, dict[str, Any]]
# Evidence of who is who is built before identities are resolved, all other marts after it.
EVIDENCE = ["models/intermediate/identity/person_records.sql"]
STAGED = ["seeds", "models/vocabulary", "models/staging", *EVIDENCE]
MARTS = ["models/intermediate", "models/marts"]
NOT_MARTS = [*EVIDENCE, "models/marts/outcomes"]
# Insights that are looked at by the week, not by the day.
JOURNEYS = [
    f"models/insights/{name}.sql"
    for name in ("activity_months", "campaign_funnel", "decision_summary", "journey_summary")
]
SINCE = Param(
    None,
    type=["null", "string"],
    format="date",
    title="since",
    description="Build again what became known on this day or later. Leave it empty for a normal day.",
)


def dbt_group(group_id: str, places: list[str], but_not: list[str] | None = None, is_audited: bool = False) -> XComArg:
    """Build what lies in `places` of dbt_project in one dbt run, with one task per model beside it.

    `is_audited`: the marts are built where nobody reads them, until activation.marts publishes them.
    Returns the group's task `dbt_build`, the one to wait for and to clear: the models' tasks only mirror it.
    """

    # A model that fails mostly fails again: one more try is for a lost connection.
    @task(retries=1)
    def dbt_build() -> None:
        from activation.marts import begin_build
        from dags.wiring.dbt_run import build

        with telling() as tell:
            build(
                as_of(),
                select=[f"path:{place}" for place in places],
                exclude=[f"path:{place}" for place in but_not or []],
                tell=tell,
                marts_in=begin_build(as_of()) if is_audited else "marts",
                since=since(),
            )

    with TaskGroup(group_id):
        run = dbt_build()
        mirror(models_in(places, but_not or []), run)
    return run


def since() -> date | None:
    """Read the day from which the form asks to build again."""
    given = get_current_context()["params"].get("since")
    return date.fromisoformat(given) if given else None


@contextmanager
def telling() -> Iterator[Callable[[Progress], None]]:
    """A function that tells the mirrors how models ended: at most once a second, and all at the end.

    A push is a request that dbt's threads wait for, about 30 ms; the triggers look once a second anyway.
    """
    task_instance = get_current_context()["ti"]
    told_at = float("-inf")
    newest: Progress = {}

    def tell(ended: Progress) -> None:
        nonlocal told_at, newest
        newest = ended
        if time.monotonic() - told_at >= 1:
            told_at = time.monotonic()
            task_instance.xcom_push(PROGRESS, ended)

    tell({})
    try:
        yield tell
    finally:
        task_instance.xcom_push(PROGRESS, newest)


def mirror(models: list[Model], run: XComArg) -> None:
    """Make the models' tasks, grouped by layer, each below the models it reads (or below the run itself)."""
    tasks: dict[str, ModelTask] = {}
    for layer in dict.fromkeys(model.layer for model in models):
        with TaskGroup(layer):
            for model in models:
                if model.layer == layer:
                    tasks[model.name] = ModelTask(
                        task_id=model.name, model=model.name, build_task_id=run.operator.task_id
                    )
    for model in models:
        above = [tasks[name] for name in sorted(model.reads) if name in tasks]
        tasks[model.name].set_upstream(above or [run.operator])
