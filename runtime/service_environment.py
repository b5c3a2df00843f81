"""The environment of the services: every switch of Airflow and MLflow, computed here and nowhere else.

Airflow's tasks inherit the environment of the scheduler, so it also holds what dbt, MLflow's client, dlt and Great
Expectations read. Passwords travel in the environment or in files of mode 600, never on a command line.
"""

import json
import os
import sys
from pathlib import Path

from runtime import airflow_client, ports, warehouse
from runtime.secrets import fernet_key, secret, secret_path
from runtime.settings import Settings

# What the user's shell says about these programs must not change what ours do.
FOREIGN = ("AIRFLOW", "MLFLOW_", "_MLFLOW", "DBT_", "PG", "DLT_", "GX_", "PYTHON")
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}
MLFLOW_USER = "admin"


def airflow(settings: Settings) -> dict[str, str]:
    """Give the whole environment of Airflow's components and, through them, of every task."""
    return {**_inherited(), **_everywhere(settings), **tools(settings), **_airflow_settings(settings)}


def mlflow(settings: Settings) -> dict[str, str]:
    """Give the whole environment of the MLflow server."""
    database = warehouse.url("mlflow", "postgresql+psycopg2")
    return {
        **_inherited(),
        **_everywhere(settings),
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_ARTIFACTS_DESTINATION": str(settings.home / "mlflow" / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(_mlflow_auth_file(settings, database)),
        "MLFLOW_AUTH_ADMIN_USERNAME": MLFLOW_USER,
        "MLFLOW_AUTH_ADMIN_PASSWORD": secret(settings, "mlflow_admin"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret(settings, "mlflow_session_key"),
        # Otherwise it keeps seven idle workers for jobs nobody gives it (1.8 GB).
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def nordhaus(settings: Settings) -> dict[str, str]:
    """Give the whole environment of the simulated company's APIs: they know nothing of the platform."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(settings.root),
        **{f"CX_{name}_API_TOKEN": secret(settings, f"nordhaus_{name.lower()}") for name in ("SERVICE", "MARKETING")},
    }


def tools(settings: Settings) -> dict[str, str]:
    """Give what code outside the services needs to work with them: MLflow's client, dbt, quiet libraries."""
    return {
        **TELEMETRY_OFF,
        **warehouse.dbt_environment(),
        "CX_HOME": str(settings.home),
        "MLFLOW_TRACKING_URI": f"http://{ports.HOST}:{ports.remembered(settings, 'mlflow')}",
        "MLFLOW_TRACKING_USERNAME": MLFLOW_USER,
        "MLFLOW_TRACKING_PASSWORD": secret(settings, "mlflow_admin"),
        "DLT_DATA_DIR": str(settings.home / "dlt"),
        "NO_PROXY": _no_proxy(),
        "no_proxy": _no_proxy(),
    }


def python(module: str, *arguments: str) -> list[str]:
    """Run a module with our own interpreter: the scripts in bin/ break when the checkout is moved."""
    return [sys.executable, "-m", module, *arguments]


def _inherited() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # The tools of our own environment come first: dbt and airflow are called by name.
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _everywhere(settings: Settings) -> dict[str, str]:
    """Keep what libraries write inside CX_HOME, and local requests away from a proxy."""
    cache = settings.home / "cache"
    return {
        **TELEMETRY_OFF,
        "CX_HOME": str(settings.home),
        # Services and tasks log in by role; the administrator's account stays with the command line.
        "CX_WAREHOUSE_URL": warehouse.without_login(settings.warehouse_url or ""),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache / "config"),
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": _no_proxy(),
        "no_proxy": _no_proxy(),
    }


def _no_proxy() -> str:
    local = [ports.HOST, "localhost"]
    given = [entry for entry in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if entry]
    return ",".join(dict.fromkeys(given + local))


def _airflow_settings(settings: Settings) -> dict[str, str]:
    home = settings.home / "airflow"
    base = f"http://{ports.HOST}:{ports.remembered(settings, 'airflow')}"
    bundle = {
        "name": "cxloop",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(settings.root), "refresh_interval": 5},
    }
    sections = {
        "core": {
            # LocalExecutor whose workers have imported the heavy libraries.
            "executor": "dags.wiring.preloaded.PreloadedLocalExecutor",
            "dags_folder": str(settings.root / "dags"),
            "plugins_folder": str(settings.root / "dags" / "wiring" / "plugins"),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            # Two cores: four tasks at a time keep them busy and leave the scheduler air.
            "parallelism": "4",
            "max_active_tasks_per_dag": "4",
            "max_active_runs_per_dag": "1",
            "hostname_callable": "socket.gethostname",
            "fernet_key": secret(settings, "airflow_fernet_key", fernet_key),
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": f"{airflow_client.USER}:admin",
            "simple_auth_manager_passwords_file": airflow_client.password_file(settings),
            "execution_api_server_url": f"{base}/execution/",
            "dagbag_import_timeout": "120",
            "killed_task_cleanup_time": "20",
            "min_serialized_dag_update_interval": "5",
        },
        "database": {
            "sql_alchemy_conn": warehouse.url("airflow", "postgresql+psycopg2"),
            "sql_alchemy_conn_async": warehouse.url("airflow", "postgresql+asyncpg"),
        },
        "api": {
            "host": ports.HOST,
            "port": str(ports.remembered(settings, "airflow")),
            "base_url": base,
            "workers": "1",
            "secret_key": secret(settings, "airflow_api_key"),
            "instance_name": "cxloop",
        },
        "api_auth": {"jwt_secret": secret(settings, "airflow_jwt_key")},
        # A task may wait behind the others for longer than the default ten minutes before it calls home.
        "execution_api": {"jwt_expiration_time": "3600"},
        "scheduler": {
            # A killed task is noticed after a minute, not after five.
            "task_instance_heartbeat_timeout": "60",
            "orphaned_tasks_check_interval": "30",
            "scheduler_health_check_threshold": "30",
            "catchup_by_default": "False",
            # A task that ended is followed after 0.2 s, not after a second: a day has about thirty in a row.
            "scheduler_idle_sleep_time": "0.2",
        },
        "dag_processor": {
            "dag_bundle_config_list": json.dumps([bundle]),
            "refresh_interval": "10",
            # A file that changed is read at once; the others again now and then, for models that came or went.
            "min_file_process_interval": "120",
            "dag_file_processor_timeout": "180",
            "parsing_processes": "1",
            "bundle_refresh_check_interval": "5",
        },
        "logging": {"base_log_folder": str(home / "logs"), "colored_console_log": "False"},
    }
    switches = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section, options in sections.items()
        for name, value in options.items()
    }
    # The triggerer knows no bundles: it finds the triggers of dags/ on the path.
    return {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(settings.root), **switches}


def _mlflow_auth_file(settings: Settings, database: str) -> Path:
    """Write MLflow's login settings; the file names the database with its password, so it lies with the secrets."""
    path = secret_path(settings, "mlflow_auth.ini")
    lines = [
        "[mlflow]",
        "default_permission = READ",
        f"database_uri = {database.replace('%', '%%')}",
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth",
        # Checking a password costs about 0.1 s by design; a client sends it with every request.
        "auth_cache_ttl_seconds = 60",
    ]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return path
