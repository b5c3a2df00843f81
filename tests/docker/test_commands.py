"""Every command and option of the stack exists in the installed programs."""

import contextlib
import io
import re
import shlex

import pytest

from runtime.settings import ROOT

# Read by libraries that list their variables nowhere: each with the place where we saw it read.
READ_BY = {
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "a removed section of Airflow; harmless, and off if it comes back",
    "AIRFLOW_HOME": "airflow",
}


def airflow_commands(services):
    for service in services.values():
        for words in (service["command"], service.get("healthcheck", {}).get("test", ["CMD"])[1:]):
            if words and words[0] == "airflow":
                yield words


def test_every_airflow_command_parses(services):
    from airflow.cli.cli_parser import get_parser

    commands = list(airflow_commands(services))
    assert len(commands) == 7
    for words in commands:
        assert get_parser().parse_args(words[1:])


def test_a_command_that_does_not_exist_is_noticed():
    from airflow.cli.cli_parser import get_parser

    with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
        get_parser().parse_args(["webserver"])


def test_every_airflow_option_exists(services):
    from airflow.configuration import conf

    known = conf.configuration_description
    for variable in services["airflow-scheduler"]["environment"]:
        if not variable.startswith("AIRFLOW") or variable in READ_BY:
            continue
        _, section, option = variable.lower().split("__")
        if option.endswith("_cmd"):
            option = option.removesuffix("_cmd")
            assert (section, option) in conf.sensitive_config_values, f"{variable}: Airflow runs no command for it"
        assert option in known[section]["options"], variable


def test_every_mlflow_variable_exists(services):
    from mlflow import environment_variables
    from mlflow.cli import server

    known = {v.name for v in vars(environment_variables).values() if hasattr(v, "name")}
    known |= {option.envvar for option in server.params if option.envvar}
    script = (ROOT / "docker" / "serve_mlflow.sh").read_text()
    used = {name for service in services.values() for name in service["environment"] if name.startswith("MLFLOW_")}
    used |= set(re.findall(r"^(MLFLOW_\w+)=", script, re.MULTILINE))
    assert len(used) >= 7
    assert used <= known


def test_the_mlflow_command_parses():
    from mlflow.cli import server

    script = (ROOT / "docker" / "serve_mlflow.sh").read_text()
    words = shlex.split(script[script.index("exec mlflow server") :].replace("\\\n", " "))
    assert words[:3] == ["exec", "mlflow", "server"]
    context = server.make_context("server", words[3:], resilient_parsing=False)
    assert context.params["app_name"] == "basic-auth"
    assert context.params["artifacts_destination"] == "/var/lib/mlflow/artifacts"


def test_health_checks_ask_for_addresses_that_exist(services):
    from airflow.api_fastapi.core_api.routes.public.version import version_router
    from mlflow.server import app

    asked = {
        name: " ".join(service["healthcheck"]["test"]) for name, service in services.items() if "healthcheck" in service
    }
    assert "/api/v2/version" in asked["airflow-api-server"]
    assert version_router.routes[0].path == "/version"
    assert "5000/health" in asked["mlflow"]
    assert "/health" in {rule.rule for rule in app.url_map.iter_rules()}
