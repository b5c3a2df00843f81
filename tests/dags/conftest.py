"""Reads every DAG the way Airflow does, in a process of its own: its settings and its imports stay out of the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.settings import ROOT


@pytest.fixture(scope="session")
def read_dags(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """A function that reads the DAGs with extra environment variables and describes what Airflow found."""

    def read(**environment: str) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("airflow")
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("CX_", "AIRFLOW"))}
        answer = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("describe_dags.py")), str(ROOT)],
            env={**clean, "AIRFLOW_HOME": str(home), "CX_HOME": str(home / "cx"), **environment},
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr[-3000:]
        return json.loads(answer.stdout.splitlines()[-1])

    return read


@pytest.fixture(scope="session")
def bag(read_dags: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What Airflow finds for complete_journey, as all tests see it, with the other settings at their defaults."""
    return read_dags(CX_DATASET="complete_journey")
