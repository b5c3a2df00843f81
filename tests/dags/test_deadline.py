"""A landing that is late is alerted, and a landing that failed can be cleared."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.settings import ROOT

SCRIPT = Path(__file__).with_name("clear_a_late_run.py")


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What Airflow, with a metadata database of its own, said of a failed run that was cleared before its deadline."""
    home = tmp_path_factory.mktemp("airflow")
    bundle = {
        "name": "cxloop",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(ROOT)},
    }
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith(("CX_", "AIRFLOW"))},
        "AIRFLOW_HOME": str(home),
        "CX_HOME": str(home / "cx"),
        "CX_DATASET": "complete_journey",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "wiring" / "plugins"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(ROOT),
    }
    for command in ([sys.executable, "-m", "airflow", "db", "migrate"], [sys.executable, str(SCRIPT), str(ROOT)]):
        answer = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout.splitlines()[-1])


def test_a_landing_has_half_an_hour_from_when_it_was_queued(cleared):
    assert cleared["minutes"] == [30]


def test_a_failed_landing_is_cleared_and_keeps_its_deadline(cleared):
    assert (cleared["state"], cleared["kept"]) == ("queued", True)
    assert cleared["cleared"] > 0
