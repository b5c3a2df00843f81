"""The whole walk through Airflow, MLflow and PostgreSQL, and every DAG once more for the same day."""

import time

import pytest
from platform_of_its_own import FIRST, HOUSEHOLDS, LAST

from runtime.demo_chain import CHAIN, ONCE

pytestmark = pytest.mark.walk
SECOND_DEMO_SECONDS = 60
REPLAY_SECONDS = 600


def test_every_dag_ran_green_for_every_day(platform):
    runs = platform.airflow.runs()
    assert {run["state"] for run in runs} == {"success"}
    by_hand = {run["dag_id"] for run in runs if not run["partition_key"]}
    assert by_hand == {"land_departments", *ONCE}, "every other run was started by its asset, none by the watchdog"
    ran = {(run["dag_id"], run["partition_key"] or run["conf"]["as_of"]) for run in runs}
    assert ran == {(dag_id, day) for dag_id in CHAIN for day in (FIRST, LAST)} | {(dag_id, LAST) for dag_id in ONCE}
    for run in runs:
        tasks = platform.airflow.task_instances(run["dag_id"], run["dag_run_id"])
        states = {task["state"] for task in tasks if task["task_id"] != "show_failure"}
        assert states <= {"success", "skipped"}, run["dag_id"]
        assert all(task["try_number"] <= 1 for task in tasks), run["dag_id"]


def test_every_model_is_green_in_the_grid_with_what_dbt_said(platform):
    airflow = platform.airflow
    (run,) = [run for run in airflow.runs("build_warehouse") if run["partition_key"] == LAST]
    models = [
        task for task in airflow.task_instances("build_warehouse", run["dag_run_id"]) if task["operator"] == "ModelTask"
    ]
    assert len(models) > 40
    assert {task["state"] for task in models} == {"success"}


def test_every_household_has_an_intent_and_one_next_action(platform):
    households = platform.rows("select count(*) from marts.customers")[0][0]
    assert 0 < households <= HOUSEHOLDS
    published = "select count(distinct customer_id) from activation.{} where as_of_date = '{}'"
    assert platform.rows(published.format("intent_scores", LAST)) == [(households,)]
    assert platform.rows(published.format("next_best_actions", LAST)) == [(households,)]
    assert platform.rows("select as_of::text from activation.publications order by 1") == [(FIRST,), (LAST,)]


def test_the_summary_says_what_came_out_and_where_to_look(platform):
    for words in ("customers, decided for 2017-12-29", "Rows per layer", "Gates", "cx_intent", "cx_response",
                  "no_action", "Seconds per DAG", "user admin", "make down"):  # fmt: skip
        assert words in platform.first_output, words
    assert "password in" in platform.first_output
    for secret in (platform.home / "secrets").iterdir():
        content = secret.read_text(errors="ignore").strip()
        assert len(content) < 12 or content not in platform.first_output, secret.name


def test_a_second_demo_is_quick_and_changes_nothing(platform):
    started = time.monotonic()
    output = platform.demo()
    assert time.monotonic() - started < SECOND_DEMO_SECONDS
    assert output.count("already complete") == 4
    assert platform.checksums() == platform.undisturbed


def test_every_dag_again_for_the_same_day_changes_no_table(platform):
    airflow = platform.airflow
    before = {run["dag_run_id"] for run in airflow.runs()}
    for dag_id in ("land_departments", *ONCE):
        airflow.trigger(dag_id, f"replay_{LAST}", {"as_of": LAST})
    wanted = {*CHAIN, *ONCE}
    deadline = time.monotonic() + REPLAY_SECONDS
    while time.monotonic() < deadline:
        again = {run["dag_id"]: run["state"] for run in airflow.runs() if run["dag_run_id"] not in before}
        assert "failed" not in again.values(), again
        if set(again) == wanted and set(again.values()) == {"success"}:
            break
        time.sleep(1)
    else:
        raise AssertionError(f"the replay was not done after {REPLAY_SECONDS} s: {again}")
    assert platform.checksums() == platform.undisturbed
