"""The job `init` of the production stack: keys and passwords, the warehouse's roles and schemas. Safe to run again.

Reads the three files that an administrator gave; everything else is generated once, into files of mode 600 on the
volumes. The administrator's account of the warehouse stays in this job: the services log in by role. Prints only names.
"""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from runtime import airflow_client, bootstrap, warehouse
from runtime.secrets import fernet_key, secret
from runtime.settings import settings

GIVEN = Path("/run/secrets")
MLFLOW_HOME = Path("/var/lib/mlflow")
DRIVER = "postgresql+psycopg2://"
MLFLOW_USER = "admin"


def main() -> int:
    """Write what the services read, then prepare the warehouse."""
    given_file = {name: text or "" for name, text in dotenv_values(GIVEN / "settings.env").items()}
    os.environ.update(given_file)
    given = settings()
    if given.warehouse_url is None:
        print("CX_WAREHOUSE_URL is not set in settings.env: production uses a PostgreSQL outside.", file=sys.stderr)
        return 1
    without_login = {**given_file, "CX_WAREHOUSE_URL": warehouse.without_login(given.warehouse_url)}
    write(given.home / "settings.env", "".join(f"{name}='{text}'\n" for name, text in without_login.items()))
    airflow_files()
    mlflow_files()
    bootstrap.prepare_warehouse(given)
    print("Secrets, roles and schemas are in place.")
    return 0


def airflow_files() -> None:
    """Write what Airflow's options read by `cat`, and the password of its administrator."""
    given = settings()
    secret(given, "airflow_fernet_key", fernet_key)
    secret(given, "airflow_api_key")
    secret(given, "airflow_jwt_key")
    write(given.secrets_dir / "airflow_database_url", database_url("airflow_database_url"))
    # Airflow would print a password that it generates itself into its log.
    airflow_client.password_file(given)


def mlflow_files() -> None:
    """Write what the MLflow server reads, on its own volume, and what its client in Airflow's tasks reads."""
    given = settings()
    admin, database = secret(given, "mlflow_admin"), database_url("mlflow_database_url")
    write(MLFLOW_HOME / "secrets" / "database_url", database)
    write(MLFLOW_HOME / "secrets" / "session_key", secret(given, "mlflow_session_key"))
    # configparser takes % for an interpolation.
    lines = [
        "[mlflow]",
        "default_permission = READ",
        f"database_uri = {database.replace('%', '%%')}",
        f"admin_username = {MLFLOW_USER}",
        f"admin_password = {admin}",
        # Checking a password costs about 0.1 s by design; a client sends it with every request.
        "auth_cache_ttl_seconds = 60",
    ]
    write(MLFLOW_HOME / "secrets" / "auth.ini", "\n".join(lines) + "\n")
    credentials = f"[mlflow]\nmlflow_tracking_username = {MLFLOW_USER}\nmlflow_tracking_password = {admin}\n"
    write(given.home / "user" / ".mlflow" / "credentials", credentials)


def database_url(name: str) -> str:
    """Read one of the given URLs, without the line's end that editors add. Raises SystemExit if it has another form."""
    text = (GIVEN / name).read_text().strip()
    if not text.startswith(DRIVER):
        raise SystemExit(f"The secret {name} must look like {DRIVER}user:password@host:5432/database.")
    return text


def write(path: Path, text: str) -> None:
    """Write a file that only we may read; a crash leaves the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
