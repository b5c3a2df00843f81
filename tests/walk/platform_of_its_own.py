"""A whole platform in a folder of its own: the demo as a user starts it, what came out, and the means to hurt it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from runtime import warehouse
from runtime.airflow_client import AirflowClient, AirflowError
from runtime.settings import PREFIX, ROOT, Settings, settings

HOUSEHOLDS = 300
FIRST, LAST = "2017-12-28", "2017-12-29"
COMPLETE_JOURNEY = {
    "CX_DATASET": "complete_journey",
    "CX_DEMO_FIRST": FIRST,
    "CX_DEMO_LAST": LAST,
    "CX_DEMO_HOUSEHOLDS": str(HOUSEHOLDS),
}
DEMO_SECONDS = 1200
POLL_SECONDS = 0.3


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Platform:
    """One `CX_HOME` with its settings; nothing of the caller's environment reaches it. `company` says what it plays."""

    def __init__(self, home: Path, company: Mapping[str, str] = COMPLETE_JOURNEY) -> None:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        self.own = {
            "CX_HOME": str(home),
            **company,
            # Far from the ports that a platform takes by itself: one may run or start beside the tests.
            **{f"CX_{service}_PORT": str(free_port()) for service in ("POSTGRES", "AIRFLOW", "MLFLOW")},
        }
        self.environment = {**kept, **self.own}
        self.home = home

    @property
    def settings(self) -> Settings:
        return settings(self.own)

    @property
    def airflow(self) -> AirflowClient:
        return AirflowClient(self.settings)

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Run `python -m runtime <command>` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "runtime", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=DEMO_SECONDS,
            check=False,
        )

    def demo(self) -> str:
        """Run the demo and return what it printed; a demo that fails fails the test."""
        done = self.run("demo")
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def start_demo(self) -> subprocess.Popen:
        """Start the demo and do not wait for it."""
        log = (self.home.parent / "disturbed_demo.log").open("a")
        return subprocess.Popen(
            [sys.executable, "-m", "runtime", "demo"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )

    def checksums(self) -> dict[str, str]:
        """The checksum of every table."""
        done = self.run("checksums")
        assert done.returncode == 0, done.stderr
        return {table: md5 for md5, table in (line.split() for line in done.stdout.splitlines())}

    def rows(self, query: str) -> list[tuple]:
        """The rows of a query on the warehouse."""
        with self.as_environment(), warehouse.transaction() as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    @contextmanager
    def as_environment(self) -> Iterator[None]:
        """Within, the platform's code works on this platform."""
        before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(PREFIX)}
        os.environ.update(self.own)
        try:
            yield
        finally:
            for name in self.own:
                del os.environ[name]
            os.environ.update(before)

    def wait_for_task(self, dag_id: str, task_id: str, seconds: float = 600) -> dict[str, Any]:
        """Wait until a task runs; while Airflow is not up yet its silence is not an error."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                airflow = self.airflow
                for run in airflow.runs(dag_id):
                    if run["state"] == "running":
                        for task in airflow.task_instances(dag_id, run["dag_run_id"]):
                            if task["task_id"] == task_id and task["state"] == "running":
                                return task
            except AirflowError:
                pass
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"{dag_id}.{task_id} did not run within {seconds} s")

    def process_of(self, task: dict[str, Any], seconds: float = 10) -> psutil.Process:
        """The process that runs a task: Airflow writes the id of the task instance into its title."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for process in psutil.process_iter(["cmdline"]):
                title = " ".join(process.info["cmdline"] or [])
                if title.startswith("airflow worker -- ") and task["id"] in title:
                    return process
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"no process runs {task['task_id']}")

    def clean(self) -> None:
        """Stop everything and remove the folder."""
        done = self.run("clean", "--yes")
        assert done.returncode == 0, done.stderr
