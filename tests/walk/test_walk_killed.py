"""Kill -9 in the middle of each stage, then `make demo` again: the same tables as the undisturbed walk."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from platform_of_its_own import Platform

from runtime import home, postgres, processes

pytestmark = pytest.mark.walk
# In the middle: long enough after the start to have written something, shorter than the shortest stage.
INTO_THE_STAGE_SECONDS = 1.0


def scheduler(platform: Platform, task: dict) -> psutil.Process:
    return processes.find(platform.settings, "airflow-scheduler")


def database(platform: Platform, task: dict) -> psutil.Process:
    return postgres.running(platform.settings)


def task_process(platform: Platform, task: dict) -> psutil.Process:
    return platform.process_of(task)


# Each stage of the walk once, with a victim of its own.
BLOWS: list[tuple[str, str, Callable]] = [
    ("land_departments", "department_branch.land", scheduler),
    ("build_warehouse", "build_marts.dbt_build", database),
    ("train_intent", "train_intent", task_process),
    ("score_customers", "decide", task_process),
    ("score_customers", "check_scores_decisions", scheduler),
]


@pytest.fixture(scope="module")
def victim(platform: Platform) -> Iterator[Platform]:
    """A second platform, from nothing, with the same secrets: ids and draws that hang on a secret stay comparable."""
    platform.run("down")
    with tempfile.TemporaryDirectory(prefix="cxloop kill ") as folder:
        Path(folder).chmod(0o755)
        victim = Platform(Path(folder) / "home")
        home.prepare(victim.settings)
        shutil.copytree(platform.settings.secrets_dir, victim.settings.secrets_dir)
        try:
            yield victim
        finally:
            victim.clean()


def test_the_walk_survives_a_kill_in_every_stage(platform, victim):
    for dag_id, task_id, target in BLOWS:
        demo = victim.start_demo()
        task = victim.wait_for_task(dag_id, task_id)
        time.sleep(INTO_THE_STAGE_SECONDS)
        target(victim, task).send_signal(signal.SIGKILL)
        demo.send_signal(signal.SIGKILL)
        demo.wait()
    victim.demo()
    assert victim.checksums() == platform.undisturbed
