"""The services beside PostgreSQL: which command each one is, and how to see that it works."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

import psutil
import requests

from runtime import ports, service_environment
from runtime.airflow_client import AirflowClient, AirflowError
from runtime.settings import Settings

PROBE_SECONDS = 5
AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
MLFLOW = "mlflow"
NORDHAUS = "nordhaus"
NAMES = (MLFLOW, NORDHAUS, *AIRFLOW)
# What a service reads only once, when it starts.
WATCHED = (
    *("AIRFLOW", "MLFLOW", "CX_PG_", "CX_WAREHOUSE_URL", "CX_DATASET", "CX_EXPORTS_DIR", "CX_LAND_SCHEDULE"),
    "CX_DBT_THREADS",
)


@dataclass(frozen=True)
class Service:
    """One service: its command, its whole environment and its port (None if it does not listen)."""

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int | None

    @property
    def fingerprint(self) -> str:
        """Name the configuration: a running service whose fingerprint differs has to start anew."""
        watched = {name: value for name, value in self.environment.items() if name.startswith(WATCHED)}
        return hashlib.sha256(json.dumps([self.command, sorted(watched.items())]).encode()).hexdigest()[:16]


def services(settings: Settings) -> list[Service]:
    """Describe every service; the ports of Airflow and MLflow must have been chosen before."""
    mlflow_port, airflow_port = ports.remembered(settings, "mlflow"), ports.remembered(settings, "airflow")
    serve = ["server", "--host", ports.HOST, "--port", str(mlflow_port), "--workers", "1", "--app-name", "basic-auth"]
    mlflow = Service(
        MLFLOW, service_environment.python("mlflow", *serve), service_environment.mlflow(settings), mlflow_port
    )
    environment = service_environment.airflow(settings)
    # Logs are read from the disk they were written to: nobody needs the two servers that would hand them out.
    arguments = {
        "airflow-api-server": ["api-server"],
        "airflow-scheduler": ["scheduler", "--skip-serve-logs"],
        "airflow-dag-processor": ["dag-processor"],
        "airflow-triggerer": ["triggerer", "--skip-serve-logs"],
    }
    airflow = [
        Service(
            name,
            service_environment.python("airflow", *arguments[name]),
            environment,
            airflow_port if "api" in name else None,
        )
        for name in AIRFLOW
    ]
    return [mlflow, *_company(settings), *airflow]


def service_names(settings: Settings) -> tuple[str, ...]:
    """Name the services of this installation."""
    return tuple(name for name in NAMES if name != NORDHAUS or settings.dataset == NORDHAUS)


def _company(settings: Settings) -> list[Service]:
    """The APIs of the simulated company, if the demo plays it."""
    if settings.dataset != NORDHAUS:
        return []
    port = ports.remembered(settings, NORDHAUS)
    options = ["--company", str(settings.home / NORDHAUS), "--port", str(port)]
    command = service_environment.python("simulator.nordhaus.api", *options)
    return [Service(NORDHAUS, command, service_environment.nordhaus(settings), port)]


def healthy(settings: Settings, running: dict[str, psutil.Process]) -> set[str]:
    """Ask the `running` services, by name, whether they work; name those that do.

    A heartbeat that is older than the process is its predecessor's.
    """
    names = {MLFLOW} & set(running)
    if names and not _answers(f"http://{ports.HOST}:{ports.remembered(settings, 'mlflow')}/health"):
        names.clear()
    if NORDHAUS in running and _answers(f"http://{ports.HOST}:{ports.remembered(settings, NORDHAUS)}/health"):
        names.add(NORDHAUS)
    if set(running) & set(AIRFLOW):
        try:
            state = AirflowClient(settings).health()
        except AirflowError:
            return names
        names |= {name for name, process in running.items() if name in AIRFLOW and _beats(state, name, process)}
    return names


def _beats(state: dict, name: str, process: psutil.Process) -> bool:
    if name == "airflow-api-server":
        return state["metadatabase"]["status"] == "healthy"
    component = name.removeprefix("airflow-").replace("-", "_")
    own = state.get(component) or {}
    heartbeat = own.get(f"latest_{component}_heartbeat")
    is_own = heartbeat is not None and datetime.fromisoformat(heartbeat).timestamp() >= process.create_time()
    return is_own and own["status"] == "healthy"


def _answers(address: str) -> bool:
    session = requests.Session()
    session.trust_env = False
    try:
        return session.get(address, timeout=PROBE_SECONDS).ok
    except requests.RequestException:
        return False
