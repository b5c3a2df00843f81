"""What the demo shows while Airflow works: a line for every task that ended, and on a terminal what runs right now."""

import time
from types import TracebackType
from typing import Any

from runtime.progress import console

FINAL = {"success", "failed", "skipped", "upstream_failed"}
MARKS = {"success": "[green]ok[/]     ", "failed": "[red]failed[/] ", "up_for_retry": "[yellow]retry[/]  "}


class Screen:
    """Follows the runs of one business day."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._started = time.monotonic()
        self._told: set[tuple[Any, ...]] = set()
        self._closed: set[tuple[str, str]] = set()
        self._now: dict[str, list[str]] = {}
        self._status = console.status("") if console.is_terminal else None

    def __enter__(self) -> "Screen":
        console.print(f"[bold]{self._title}[/]")
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()
        if kind is None:
            console.print(f"[green]done[/]   {self._title} ({time.monotonic() - self._started:.1f} s)")

    @staticmethod
    def say(line: str) -> None:
        """Print one line."""
        console.print(line, markup=False)

    def is_closed(self, run: dict[str, Any]) -> bool:
        """Tell whether everything about this run has been shown."""
        return _name(run) in self._closed

    def update(self, run: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
        """Show what has changed in one run."""
        models = [task for task in tasks if task["operator"] == "ModelTask"]
        work = [task for task in tasks if task["operator"] != "ModelTask"]
        for task in sorted(work, key=lambda task: task["end_date"] or ""):
            key = (*_name(run), task["task_id"], task["map_index"], task["try_number"], task["state"])
            if task["state"] in MARKS and key not in self._told:
                self._told.add(key)
                seconds = f"{task['duration']:.1f} s" if task["duration"] else ""
                console.print(f"  {MARKS[task['state']]}{run['dag_id']}: {label(task)} ({seconds})")
        self._now[run["dag_id"]] = [
            label(task) + (built(models, task) if task["task_id"].endswith("dbt_build") else "")
            for task in work
            if task["state"] == "running"
        ]
        if run["state"] in ("success", "failed"):
            self._closed.add(_name(run))
            self._now[run["dag_id"]] = []
        if self._status:
            doing = "; ".join(f"{dag_id}: {', '.join(names)}" for dag_id, names in self._now.items() if names)
            self._status.update(f"{self._title}, {time.monotonic() - self._started:.0f} s: {doing or 'next DAG'}")


def _name(run: dict[str, Any]) -> tuple[str, str]:
    """Runs of two DAGs may have the same id."""
    return run["dag_id"], run["dag_run_id"]


def label(task: dict[str, Any]) -> str:
    """Name a task, with its department if it is one of several branches."""
    name = task["task_id"].removeprefix("department_branch.")
    return f"{name} {task['rendered_map_index'] or task['map_index']}" if task["map_index"] >= 0 else name


def built(models: list[dict[str, Any]], build: dict[str, Any]) -> str:
    """Count the models of a dbt build that have ended."""
    group = build["task_id"].rpartition(".")[0]
    own = [task for task in models if task["task_id"].startswith(f"{group}.")]
    return f" ({sum(task['state'] in FINAL for task in own)} of {len(own)} models)"
