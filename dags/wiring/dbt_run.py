"""Run dbt inside this process and tell, while it runs, how each model ended. No Airflow in here: bench uses it too."""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from runtime.settings import Settings, settings

GOOD = {"success", "pass", "warn"}


class DbtFailed(RuntimeError):
    """A dbt run ended badly; the message names each node that failed and why."""


@dataclass
class ModelEnd:
    """How a model ended: success (it and its tests), failed or skipped; seconds it took; dbt's message."""

    state: str
    seconds: float
    message: str


class Progress:
    """Follows the events of one dbt run. A model counts as done when it and the tests that hang on it are done."""

    def __init__(self, tests_of: dict[str, set[str]], tell: Callable[[dict[str, dict[str, Any]]], None]):
        self._waiting = {model: set(tests) for model, tests in tests_of.items()}
        self._ends: dict[str, ModelEnd] = {}
        self.done: dict[str, dict[str, Any]] = {}
        self._tell = tell
        self.failures: list[str] = []

    def __call__(self, event: Any) -> None:
        """Callback of dbtRunner; dbt calls it from each of its threads, one event at a time."""
        if event.info.name != "NodeFinished":
            return
        node, result = event.data.node_info, event.data.run_result
        state = "success" if node.node_status in GOOD else "skipped" if node.node_status == "skipped" else "failed"
        if state == "failed":
            self.failures.append(f"{node.node_name}: {result.message}")
        if node.resource_type in ("test", "unit_test"):
            self._test_ended(node.unique_id, state, result.message)
        else:
            # A unit test that failed before its model says why the model is skipped.
            self._ends.setdefault(node.unique_id, ModelEnd(state, round(result.execution_time, 2), result.message))
            self._finish(node.unique_id)

    def _test_ended(self, test: str, state: str, message: str) -> None:
        for model, waiting in self._waiting.items():
            if test in waiting:
                waiting.remove(test)
                if state == "failed":
                    self._ends[model] = ModelEnd("failed", self._seconds(model), message)
                self._finish(model)

    def _seconds(self, model: str) -> float:
        return self._ends[model].seconds if model in self._ends else 0.0

    def _finish(self, model: str) -> None:
        end = self._ends.get(model)
        if end and (end.state != "success" or not self._waiting.get(model)):
            self.done[model.split(".")[2]] = asdict(end)
            self._tell(self.done)


def build(
    as_of: date,
    select: Iterable[str],
    exclude: Iterable[str] = (),
    tell: Callable[[dict[str, dict[str, Any]]], None] = lambda progress: None,
    full_refresh: bool = False,
    marts_in: str = "marts",
    since: date | None = None,
) -> dict[str, dict[str, Any]]:
    """Run `dbt build` for `as_of` on the selected nodes and return how each model ended. Raises DbtFailed.

    `tell` is called with all models ended so far, each time one more has. `marts_in`: the schema that takes the marts.
    `since`: growing models build again what became known on this day or later. Raises ValueError if it lies ahead.
    """
    from dbt.cli.main import dbtRunner

    # "buildable": a test that also reads a model of a later run waits for that run.
    choice = [*spread("--select", select), *spread("--exclude", exclude), "--indirect-selection", "buildable"]
    # Unit tests judge the SQL, not the day's data: they run in `make test`.
    choice += ["--exclude-resource-type", "unit_test"]
    if since is not None and since > as_of:
        raise ValueError(f"since {since} lies after as_of {as_of}: there is nothing to build again.")
    days = {"as_of": as_of, **({"since": since} if since else {})}
    day = ["--vars", json.dumps({name: value.isoformat() for name, value in days.items()})]
    with dbt_folders(settings()) as folders:
        # Read without the day: dbt reads the whole project anew (7 s of CPU) whenever its variables differ from those
        # of the last time. The day is needed only when SQL is rendered, and as_of() fails there if it is missing.
        parsed = dbtRunner().invoke(["--quiet", "parse", *folders])
        if not parsed.success:
            raise DbtFailed(f"dbt could not read the project: {parsed.exception}")
        project = parsed.result
        move_marts(project, marts_in)
        with redirect_stdout(StringIO()):
            listed = dbtRunner(manifest=project).invoke(
                ["--quiet", "list", *folders, *day, *choice, "--output", "json", "--output-keys", "unique_id"]
            )
        progress = Progress(tests_of(project, listed.result or []), tell)
        run = dbtRunner(manifest=project, callbacks=[progress]).invoke(
            ["--no-use-colors", "build", *folders, *day, *choice, "--threads", str(settings().dbt_threads)]
            + (["--full-refresh"] if full_refresh else [])
        )
    if not run.success:
        raise DbtFailed("; ".join(progress.failures) or str(run.exception))
    return progress.done


def move_marts(project: Any, schema: str) -> None:
    """Let the models of the schema marts be built, and be read by others, in `schema`.

    In what was parsed, not by a variable: dbt would read the whole project anew whenever the side changes.
    """
    for node in project.nodes.values():
        if node.resource_type == "model" and node.schema == "marts":
            node.schema = schema
            node.relation_name = node.relation_name and node.relation_name.replace('"marts"', f'"{schema}"')


def spread(option: str, values: Iterable[str]) -> list[str]:
    """Write `--select a b` as words, nothing at all without values."""
    words = list(values)
    return [option, *words] if words else []


def tests_of(manifest: Any, listed: list[str]) -> dict[str, set[str]]:
    """Map each model to the listed tests that hang on it (generic tests: their model; others: all they read)."""
    chosen = {json.loads(line)["unique_id"] for line in listed}
    hanging: dict[str, set[str]] = {}
    for test in chosen:
        node = manifest.nodes.get(test) or manifest.unit_tests.get(test)
        if node is not None and node.resource_type in ("test", "unit_test"):
            attached = getattr(node, "attached_node", None)
            for model in [attached] if attached else node.depends_on.nodes:
                hanging.setdefault(model, set()).add(test)
    return hanging


@contextmanager
def dbt_folders(home: Settings) -> Iterator[list[str]]:
    """Options for dbt's folders, all it writes under CX_HOME. One dbt at a time: they share the parsed project."""
    from runtime.warehouse import dbt_environment

    os.environ.update(dbt_environment())
    target, logs = home.home / "dbt", home.logs_dir / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    with Path(target / "one_at_a_time").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        project = str(home.root / "dbt_project")
        yield [
            "--project-dir", project, "--profiles-dir", project,
            "--target-path", str(target), "--log-path", str(logs),
        ]  # fmt: skip
