"""Every dbt model has a task that costs no process, in the place that its refs give it."""

import json
import os
import subprocess
import sys

import pytest

from dags.wiring.dbt_group import JOURNEYS
from dags.wiring.dbt_models import models_in
from runtime.settings import ROOT

EVIDENCE = "models/intermediate/identity/person_records.sql"
# Where each dbt group looks, as in the DAG files.
GROUPS = {
    ("build_warehouse", "build_evidence"): (["seeds", "models/vocabulary", "models/staging", EVIDENCE], []),
    ("build_warehouse", "build_marts"): (["models/intermediate", "models/marts"], [EVIDENCE, "models/marts/outcomes"]),
    ("build_warehouse", "build_features"): (["models/features"], []),
    ("learn_from_outcomes", "learn_outcomes"): (["models/marts/outcomes", "models/insights"], JOURNEYS),
    ("mine_journeys", "mine_journeys"): (JOURNEYS, []),
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory) -> dict:
    """What dbt itself says about the project."""
    target = tmp_path_factory.mktemp("dbt")
    project = str(ROOT / "dbt_project")
    login = {f"CX_PG_{name}": "1" for name in ("HOST", "PORT", "USER", "PASSWORD", "DBNAME")}
    command = [sys.executable, "-m", "dbt.cli.main", "--quiet", "parse", "--project-dir", project]
    command += ["--profiles-dir", project, "--vars", "{as_of: 2017-12-28}"]
    command += ["--target-path", str(target), "--log-path", str(target)]
    done = subprocess.run(command, env={**os.environ, **login}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads((target / "manifest.json").read_text())


@pytest.mark.parametrize(("dag_id", "group"), GROUPS)
def test_each_model_is_a_task_below_the_models_it_reads(bag, dag_id, group):
    folders, but_not = GROUPS[dag_id, group]
    models = {model.name: model for model in models_in(folders, but_not)}
    tasks = bag["dags"][dag_id]["tasks"]
    mirrored = {name: task for name, task in tasks.items() if name.startswith(f"{group}.") and task["from_trigger"]}
    assert {name.rpartition(".")[2] for name in mirrored} == set(models)
    for name, task in mirrored.items():
        model = models[name.rpartition(".")[2]]
        assert name == f"{group}.{model.layer}.{model.name}"
        assert task["rule"] == "always"  # else it would wait for the tasks above instead of mirroring
        expected = {other for other in mirrored if other.rpartition(".")[2] in model.reads}
        assert set(task["above"]) == (expected or {f"{group}.dbt_build"})


def test_no_model_of_the_project_is_forgotten_and_refs_are_what_dbt_says(manifest):
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")}
    seen = {model.name: model for folders, but_not in GROUPS.values() for model in models_in(folders, but_not)}
    assert set(seen) == set(nodes)
    for name, model in seen.items():
        above = nodes[name].get("depends_on", {}).get("nodes", [])
        assert model.reads == {node.split(".")[2] for node in above if not node.startswith("source.")}, name


def test_what_is_tagged_for_the_weekly_look_is_built_by_it(manifest):
    tagged = {node["name"] for node in manifest["nodes"].values() if "mine_journeys" in node.get("tags", [])}
    assert tagged == {model.name for model in models_in(JOURNEYS, [])}


def test_gates_wait_for_the_build_itself_and_not_for_the_mirrors(bag):
    tasks = bag["dags"]["build_warehouse"]["tasks"]
    assert tasks["resolve_customers"]["above"] == ["build_evidence.dbt_build"]
    assert tasks["build_marts.dbt_build"]["above"] == ["resolve_customers"]
    assert tasks["check_marts_customers"]["above"] == ["build_marts.dbt_build"]
    assert tasks["publish_marts"]["above"] == ["check_marts_customers"]
    assert tasks["build_features.dbt_build"]["above"] == ["publish_marts"]
    above = tasks["check_features_customer_features"]["above"]
    assert sorted(above) == ["build_features.dbt_build", "note_retractions"]
