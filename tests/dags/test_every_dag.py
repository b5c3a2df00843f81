"""Each DAG keeps the house rules, and the assets link them as the design says."""

import ast
from pathlib import Path

import pytest

from dags.wiring.rules import OWNERS, TAGS
from landing.contracts import departments
from runtime.settings import ROOT

FILES = sorted((ROOT / "dags").glob("*.py"))
NAMES = {file.stem for file in FILES} - {"__init__"}
# What each DAG waits for, and which of its tasks emits what: the task that checked it.
WIRES = {
    "land_departments": ([], {"accept_raw": ["raw_accepted"], "alert_late": ["department_late"]}),
    "build_warehouse": (["raw_accepted"], {"check_features_customer_features": ["features"]}),
    "train_intent": (["features"], {"confirm_champion": ["intent_champion"]}),
    "train_next_best_action": (["intent_champion"], {"confirm_champion": ["nba_champion"]}),
    "score_customers": (["nba_champion"], {"publish": ["published"]}),
    "learn_from_outcomes": (["published"], {}),
    "mine_journeys": ([], {}),
    "serve_privacy_requests": ([], {}),
    "steward_identities": ([], {}),
    "review_messages": ([], {}),
    "deliver_after_quiet_hours": ([], {}),
}
LIGHT = {
    *("airflow.sdk", "airflow.sdk.exceptions", "airflow.providers.standard.operators.trigger_dagrun"),
    "airflow.providers.standard.operators.hitl",
    *("landing.contracts", "runtime.settings"),
}
NEVER = {"pandas", "psycopg2", "sqlalchemy", "os", "subprocess", "simulator", "mlflow", "datetime"}


def test_airflow_finds_the_dags_of_the_design_and_nothing_else(bag):
    assert bag["errors"] == {}
    assert set(bag["dags"]) == set(WIRES) == NAMES
    assert {name.removesuffix(".py") for name in bag["files"]} == NAMES


def test_reading_the_dags_imports_no_heavy_library(bag):
    assert bag["heavy"] == []


@pytest.mark.parametrize("dag_id", WIRES)
def test_assets_link_the_dags(bag, dag_id):
    waits_for, emits = WIRES[dag_id]
    dag = bag["dags"][dag_id]
    assert dag["waits_for"] == waits_for
    assert {name: task["emits"] for name, task in dag["tasks"].items() if task["emits"]} == emits


@pytest.mark.parametrize("dag_id", WIRES)
def test_the_docstring_says_what_when_reads_emits_and_what_to_do(bag, dag_id):
    doc = bag["dags"][dag_id]["doc"]
    for part in ("**What.**", "**When.**", "**Reads**", "**Emits**", "**When it fails.**"):
        assert part in doc, part
    assert len(doc.split("**When it fails.**")[1].split()) >= 15


@pytest.mark.parametrize("dag_id", WIRES)
def test_house_rules(bag, dag_id):
    dag = bag["dags"][dag_id]
    assert dag["tags"] and set(dag["tags"]) <= TAGS
    assert dag["max_active_runs"] == 1
    assert dag["catchup"] is False
    for name, task in dag["tasks"].items():
        assert task["owner"] in OWNERS, name
        assert task["from_trigger"] or 0 < task["timeout"] <= 3600, name
        assert task["retries"] <= 2, name


@pytest.mark.parametrize("dag_id", WIRES)
def test_the_form_explains_every_field(bag, dag_id):
    params = bag["dags"][dag_id]["params"]
    assert params["as_of"]["schema"]["format"] == "date"
    for name, param in params.items():
        assert len(param["description"]) > 30, name
        assert param["schema"]["title"], name


def test_a_stewards_decision_is_kept_before_the_warehouse_is_built_again(bag):
    tasks = bag["dags"]["steward_identities"]["tasks"]
    assert tasks["build_again"]["kind"] == "TriggerDagRunOperator"
    assert tasks["build_again"]["above"] == ["keep_decision"]
    assert bag["dags"]["steward_identities"]["params"]["verb"]["schema"]["enum"] == ["split", "join"]


def test_landing_offers_a_choice_of_the_departments_that_have_a_contract(bag):
    offered = bag["dags"]["land_departments"]["params"]["departments"]
    assert offered["value"] == offered["schema"]["examples"] == departments()


def test_only_cron_dags_follow_the_clock_and_all_stop_with_it(bag, read_dags):
    clocks = {"land_departments": "0 5 * * *", "mine_journeys": "30 6 * * 1", "serve_privacy_requests": "30 4 * * *"}
    clocks |= {"review_messages": "0 7 * * 1", "deliver_after_quiet_hours": "0 * * * *"}
    assert {dag_id: dag["cron"] for dag_id, dag in bag["dags"].items() if dag["cron"]} == clocks
    other = read_dags(CX_LAND_SCHEDULE="15 3 * * 2")["dags"]
    assert other["land_departments"]["cron"] == "15 3 * * 2"
    stopped = read_dags(CX_LAND_SCHEDULE="")["dags"]
    assert {stopped[dag_id]["timetable"] for dag_id in clocks} == {"NullTimetable"}


def test_one_held_department_stops_neither_the_others_nor_the_asset_but_the_run_is_red(bag):
    tasks = bag["dags"]["land_departments"]["tasks"]
    assert tasks["department_branch.check_raw"]["above"] == ["department_branch.land"]
    assert tasks["accept_raw"]["rule"] == "all_done_min_one_success"
    assert tasks["accept_raw"]["above"] == ["department_branch.check_raw"]
    assert tasks["show_failure"]["rule"] == "one_failed"
    assert tasks["show_failure"]["below"] == []


def test_a_late_landing_run_and_a_late_department_alert_through_airflow(bag):
    landing = bag["dags"]["land_departments"]
    (deadline,) = landing["deadlines"]
    assert deadline["reference"] == "QueuedAt"
    assert deadline["seconds"] == 1800
    assert deadline["callback"] == "dags.wiring.overdue.alert_overdue"
    assert landing["tasks"]["alert_late"]["above"] == ["department_branch.check_raw"]
    assert landing["tasks"]["alert_late"]["rule"] == "all_done"
    assert landing["tasks"]["alert_late"]["below"] == []


@pytest.mark.parametrize("dag_id", ["train_intent", "train_next_best_action"])
def test_a_failed_training_leaves_a_red_run_and_a_confirmed_champion(bag, dag_id):
    tasks = bag["dags"][dag_id]["tasks"]
    assert tasks["confirm_champion"]["rule"] == "all_done"
    assert set(tasks["show_failure"]["above"]) == set(tasks) - {"confirm_champion", "show_failure"}
    assert tasks["show_failure"]["rule"] == "one_failed"


@pytest.mark.parametrize("file", [file for file in FILES if file.stem != "__init__"], ids=lambda file: file.stem)
def test_a_dag_file_is_short_and_holds_only_wiring(file: Path):
    text = file.read_text()
    assert len(text.splitlines()) <= 80
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    top = {module for node in tree.body for module in imported(node)}
    assert all(module in LIGHT or module.startswith("dags.wiring") for module in top), top
    everywhere = {module for node in ast.walk(tree) for module in imported(node)}
    assert not {module for module in everywhere if module.split(".")[0] in NEVER}
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not words & {"environ", "getenv", "transaction", "connect"}
    assert not [word for word in ("select ", "insert ", "delete from") if word in text.lower().split('"""', 2)[2]]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
