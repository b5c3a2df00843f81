"""The whole platform starts, heals and stops."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from runtime import postgres, processes, supervisor
from runtime.airflow_client import AirflowClient, AirflowError
from runtime.settings import settings

pytestmark = pytest.mark.walk


def everything() -> str:
    """Give all command lines of this machine, where no password may stand."""
    return "\n".join(" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


def test_platform_starts_heals_and_stops(tmp_path, monkeypatch):
    """Up, twice; `kill -9` of the scheduler and of PostgreSQL; up heals only what broke; down leaves no process."""
    for name in [name for name in os.environ if name.startswith("CX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CX_HOME", str(tmp_path / "a home"))
    monkeypatch.setenv("CX_LAND_SCHEDULE", "")
    given = settings()
    try:
        supervisor.up(given)
        first = {state.name: state.pid for state in supervisor.status(given)}
        assert all(state.healthy for state in supervisor.status(given))
        client = AirflowClient(given)
        assert client.dags()
        assert client.import_errors() == []

        secrets = [path.read_text().strip() for path in given.secrets_dir.iterdir() if path.suffix == ""]
        lines = everything()
        logs = "\n".join(path.read_text(errors="replace") for path in given.logs_dir.glob("*.log"))
        assert len(secrets) > 10
        assert not [secret for secret in secrets if secret in lines or secret in logs]

        supervisor.up(given)
        assert {state.name: state.pid for state in supervisor.status(given)} == first

        os.kill(first["airflow-scheduler"], signal.SIGKILL)
        os.kill(first["postgres"], signal.SIGKILL)
        processes.wait_gone([psutil.Process(first["postgres"])], 10)
        assert not all(state.healthy for state in supervisor.status(given))
        supervisor.up(given)
        healed = {state.name: state.pid for state in supervisor.status(given)}
        assert all(state.healthy for state in supervisor.status(given))
        assert healed["postgres"] != first["postgres"]
        assert healed["airflow-scheduler"] != first["airflow-scheduler"]
        assert healed["mlflow"] == first["mlflow"]
    finally:
        supervisor.down(given)
    assert processes.ours(given) == []
    assert postgres.running(given) is None
    with pytest.raises(AirflowError, match="does not answer"):
        client.health()
    supervisor.clean(given)
    assert not Path(given.home).exists()
