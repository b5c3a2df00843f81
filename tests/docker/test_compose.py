"""The compose file is valid, hardened and free of secrets, and says the same as the platform that we can run."""

import json
import re

import pytest
import yaml

from runtime import ports, service_environment
from runtime.settings import setting_names, settings
from tests.docker.conftest import COMPOSE_FILE, compose_config, tool

JOBS = {"init", "airflow-migrate"}
AIRFLOW = {"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}
# Findings of compose-lint that we have looked at: (rule, what it is about): why it stays.
ACCEPTED = {
    ("CL-0019", "Image 'cxloop:"): "our own image, built on the host: it has no digest before that",
    ("CL-0020", "AIRFLOW__API__SECRET_KEY_CMD"): "the value is a command that reads the secret, not the secret",
    ("CL-0020", "AIRFLOW__API_AUTH__JWT_SECRET_CMD"): "the value is a command that reads the secret, not the secret",
}
# Options that the embedded platform sets and production has its own way for.
OWN_WAY = {
    "AIRFLOW_HOME": "on the volume",
    "AIRFLOW__CORE__DAGS_FOLDER": "in the image",
    "AIRFLOW__CORE__PLUGINS_FOLDER": "in the image",
    "AIRFLOW__CORE__FERNET_KEY": "_CMD",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": "on the volume",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "another container",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "DAGs change with the image only: the default is enough",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "_CMD",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": "Airflow derives it",
    "AIRFLOW__API__HOST": "on the command line",
    "AIRFLOW__API__PORT": "on the command line",
    "AIRFLOW__API__WORKERS": "on the command line",
    "AIRFLOW__API__BASE_URL": "the published port",
    "AIRFLOW__API__SECRET_KEY": "_CMD",
    "AIRFLOW__API_AUTH__JWT_SECRET": "_CMD",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": "in the image",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "DAGs change with the image only: the default is enough",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "DAGs change with the image only: the default is enough",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "DAGs change with the image only: the default is enough",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": "on the volume",
}


def test_every_part_of_the_platform_is_a_service(services):
    assert set(services) == JOBS | AIRFLOW | {"mlflow"}


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("healthcheck:", "healthchek:"),
        ("condition: service_completed", "condition: service_finished"),
        ("init:\n    <<", ""),
    ],
)
def test_a_mistake_in_the_file_is_refused(tmp_path, wrong, right):
    text = COMPOSE_FILE.read_text()
    assert wrong in text
    (tmp_path / "compose.yml").write_text(text.replace(wrong, right))
    assert compose_config(tmp_path / "compose.yml", CX_IMAGE_TAG="abc1234").returncode != 0


def test_the_image_must_be_named(services):
    assert "CX_IMAGE_TAG" in compose_config(COMPOSE_FILE).stderr
    assert {service["image"] for service in services.values()} == {"cxloop:abc1234"}


def test_only_the_findings_we_have_looked_at_are_left():
    done = tool("compose-lint", "check", "--format", "json", "--no-env", COMPOSE_FILE)
    findings = {(finding["rule_id"], finding["message"]) for finding in json.loads(done.stdout)["findings"]}
    known = {(rule, word): [f for f in findings if f[0] == rule and word in f[1]] for rule, word in ACCEPTED}
    assert all(known.values()), "an accepted finding is gone: take it off the list"
    assert findings == {finding for group in known.values() for finding in group}


def test_every_container_is_locked_down(services):
    for name, service in services.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert all(volume["type"] == "volume" for volume in service["volumes"]), name
        assert service["logging"]["options"]["max-size"], name


def test_services_stay_up_and_jobs_end(services):
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in JOBS), name
        assert service["restart"] == ("on-failure:3" if name in JOBS else "unless-stopped"), name
    assert set(services["airflow-migrate"]["depends_on"]) == {"init"}
    for name in AIRFLOW:
        assert services[name]["depends_on"]["airflow-migrate"]["condition"] == "service_completed_successfully"


def test_ports_are_open_on_this_host_only(services):
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"airflow-api-server", "mlflow"}
    assert {port["host_ip"] for given in published.values() for port in given} == {"127.0.0.1"}


def test_mlflow_and_the_services_do_not_see_what_they_do_not_need(services):
    assert {volume["source"] for volume in services["mlflow"]["volumes"]} == {"mlflow"}
    assert {name for name, service in services.items() if service.get("secrets")} == {"init"}
    exports = [v for s in services.values() for v in s["volumes"] if v["source"] == "exports"]
    assert all(volume["read_only"] for volume in exports)


def test_no_secret_stands_in_the_file(services):
    secretive = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CONN|_URI|_URL|CREDENTIAL")
    for name, service in services.items():
        for variable, value in service["environment"].items():
            if secretive.search(variable):
                assert re.match(r"cat /|/var/lib/|http://[\w.-]+:\d+(/|$)", value), f"{name}: {variable}"
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", COMPOSE_FILE.read_text())


def test_secret_files_are_ignored_by_git():
    assert (COMPOSE_FILE.parent / "secrets" / ".gitignore").read_text().splitlines() == ["*", "!.gitignore"]
    given = yaml.safe_load(COMPOSE_FILE.read_text())["secrets"]
    assert {entry["file"] for entry in given.values()} == {f"./secrets/{name}" for name in given}


def test_every_cx_variable_is_a_setting():
    used = set(re.findall(r"CX_[A-Z_]+", COMPOSE_FILE.read_text()))
    # The image's tag is a matter of the compose file alone.
    assert used - {"CX_IMAGE_TAG"} <= set(setting_names())


def test_production_runs_with_the_options_that_we_test_with(warehouse, services):
    """What the embedded platform gives to Airflow is given in production too, or OWN_WAY says why not."""
    ports.choose(warehouse, "airflow")
    ports.choose(warehouse, "mlflow")
    embedded = service_environment.airflow(settings())
    own = {name: value for name, value in embedded.items() if name.startswith("AIRFLOW")}
    given = services["airflow-scheduler"]["environment"]
    assert set(own) >= set(OWN_WAY)
    assert {name: given.get(name) for name in own if name not in OWN_WAY} == {
        name: value for name, value in own.items() if name not in OWN_WAY
    }
    for name, value in service_environment.TELEMETRY_OFF.items():
        assert given[name] == value
    for name in (name for name, reason in OWN_WAY.items() if reason == "_CMD"):
        assert given[f"{name}_CMD"].startswith("cat /var/lib/cxloop/secrets/")
