"""The job `init`, really run: it leaves every file that the services read, and a prepared warehouse."""

import configparser
import importlib.util
import re
import stat
from contextlib import closing

import pytest

from runtime import postgres
from runtime.secrets import secret
from runtime.settings import ROOT, settings
from runtime.warehouse import transaction

DATABASE = "docker_test"
MLFLOW_URL = "postgresql+psycopg2://mlflow:p%40ss@db.example:5432/mlflow"


@pytest.fixture
def prepare(warehouse, tmp_path, monkeypatch):
    """Load docker/prepare.py with the container's folders moved below `tmp_path` and an outside warehouse."""
    spec = importlib.util.spec_from_file_location("prepare", ROOT / "docker" / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "GIVEN", tmp_path / "given")
    monkeypatch.setattr(module, "MLFLOW_HOME", tmp_path / "mlflow")
    with closing(postgres.admin_connection(warehouse)) as admin, admin.cursor() as cursor:
        cursor.execute(f"drop database if exists {DATABASE} with (force)")
        cursor.execute(f"create database {DATABASE}")
        place = f"{admin.info.host}:{admin.info.port}/{DATABASE}"
        (tmp_path / "given").mkdir()
        account = f"{postgres.ADMIN}:{secret(warehouse, f'postgres_{postgres.ADMIN}')}"
        (tmp_path / "given" / "settings.env").write_text(
            f"CX_WAREHOUSE_URL=postgresql://{account}@{place}\nCX_DBT_THREADS=4\n"
        )
        (tmp_path / "given" / "airflow_database_url").write_text("postgresql+psycopg2://airflow:x@db.example/airflow\n")
        (tmp_path / "given" / "mlflow_database_url").write_text(MLFLOW_URL + "\n")
        # The roles belong to the server: with other passwords the rest of the tests could not log in.
        (tmp_path / "home" / "secrets").mkdir(parents=True)
        for path in warehouse.secrets_dir.glob("postgres_*"):
            (tmp_path / "home" / "secrets" / path.name).write_text(path.read_text())
        monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("CX_WAREHOUSE_URL", "")
        monkeypatch.setenv("CX_DBT_THREADS", "")
        yield module
        cursor.execute(f"drop database {DATABASE} with (force)")


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_file_that_a_service_reads_is_there_and_private(prepare, services, tmp_path, capsys):
    assert prepare.main() == 0
    script = (ROOT / "docker" / "serve_mlflow.sh").read_text()
    wanted = [value for service in services.values() for value in service["environment"].values()]
    wanted = set(re.findall(r"/var/lib/(?:cxloop|mlflow)/secrets/[\w.]+", " ".join([*wanted, script])))
    assert len(wanted) == 8
    for path in wanted:
        real = tmp_path / path.removeprefix("/var/lib/").replace("cxloop/", "home/")
        assert real.read_text().strip() == real.read_text().rstrip("\n")
        assert stat.S_IMODE(real.stat().st_mode) == 0o600
    printed = capsys.readouterr()
    admin = (tmp_path / "home" / "secrets" / "mlflow_admin").read_text()
    assert admin not in printed.out + printed.err
    assert "p%40ss" not in printed.out + printed.err


def test_running_it_again_changes_nothing(prepare, tmp_path):
    prepare.main()
    before = files(tmp_path)
    assert prepare.main() == 0
    assert files(tmp_path) == before


def test_the_services_do_not_get_the_administrators_account(prepare, tmp_path, monkeypatch):
    prepare.main()
    text = (tmp_path / "home" / "settings.env").read_text()
    assert "@" not in text
    for name in ("CX_WAREHOUSE_URL", "CX_DBT_THREADS"):
        monkeypatch.delenv(name)
    assert settings().dbt_threads == 4
    with transaction("cx_privacy") as connection, connection.cursor() as cursor:
        cursor.execute("select current_database(), count(*) from privacy.requests")
        assert cursor.fetchone() == (DATABASE, 0)


def test_mlflow_reads_the_login_settings_as_they_were_meant(prepare, tmp_path, monkeypatch):
    from mlflow.server.auth.config import read_auth_config

    prepare.main()
    monkeypatch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(tmp_path / "mlflow" / "secrets" / "auth.ini"))
    read = read_auth_config()
    assert read.database_uri == MLFLOW_URL
    assert read.admin_password == (tmp_path / "home" / "secrets" / "mlflow_admin").read_text()
    credentials = configparser.ConfigParser()
    credentials.read(tmp_path / "home" / "user" / ".mlflow" / "credentials")
    assert credentials["mlflow"]["mlflow_tracking_password"] == read.admin_password


def test_a_missing_warehouse_and_a_wrong_url_are_told(prepare, tmp_path, capsys):
    (tmp_path / "given" / "mlflow_database_url").write_text("mysql://x")
    with pytest.raises(SystemExit, match="mlflow_database_url must look like"):
        prepare.main()
    (tmp_path / "given" / "settings.env").write_text("CX_WAREHOUSE_URL=\n")
    assert prepare.main() == 1
    assert "CX_WAREHOUSE_URL is not set" in capsys.readouterr().err
