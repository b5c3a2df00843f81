"""The simulated company through the real services: ten departments, two days, and people who answer."""

import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from platform_of_its_own import Platform

from ml.identity.evaluation import quality
from ml.messages.frame import messages
from runtime import warehouse
from runtime.demo_chain import CHAIN

pytestmark = pytest.mark.walk
FIRST, LAST = "2025-06-29", "2025-06-30"
PEOPLE = 500
NORDHAUS = {
    "CX_DATASET": "nordhaus",
    "CX_DEMO_FIRST": FIRST,
    "CX_DEMO_LAST": LAST,
    "CX_DEMO_PEOPLE": str(PEOPLE),
}
DEPARTMENTS = {
    "app", "consent", "crm", "devices", "feedback", "marketing", "service", "shop", "till", "web",
}  # fmt: skip


@pytest.fixture(scope="module")
def nordhaus() -> Iterator[Platform]:
    """A platform on which the demo of Nordhaus ran once from nothing."""
    with tempfile.TemporaryDirectory(prefix="cxloop nordhaus ") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another account when we are root
        platform = Platform(Path(folder) / "home", NORDHAUS)
        try:
            platform.first_output = platform.demo()
            yield platform
        finally:
            platform.clean()


def test_every_dag_ran_green_on_both_days(nordhaus):
    runs = nordhaus.airflow.runs()
    assert {run["state"] for run in runs} == {"success"}
    ran = {(run["dag_id"], run["partition_key"] or run["conf"]["as_of"]) for run in runs}
    assert {(dag_id, day) for dag_id in CHAIN for day in (FIRST, LAST)} <= ran


def test_ten_departments_are_fresh_and_unified(nordhaus):
    fresh = nordhaus.rows(
        f"select department from quality.department_status where as_of = '{LAST}' and status = 'fresh'"
    )
    assert {department for (department,) in fresh} == DEPARTMENTS
    seen = nordhaus.rows("select distinct department from marts.customer_activities")
    assert {department for (department,) in seen} == DEPARTMENTS - {"crm"}, "the CRM knows people, not what they did"


def test_every_customer_has_an_intent_and_one_next_action(nordhaus):
    customers = nordhaus.rows(f"select count(*) from features.customer_features where as_of_date = '{LAST}'")[0][0]
    assert customers > PEOPLE / 2
    published = "select count(distinct customer_id) from activation.{} where as_of_date = '{}'"
    assert nordhaus.rows(published.format("intent_scores", LAST)) == [(customers,)]
    assert nordhaus.rows(published.format("next_best_actions", LAST)) == [(customers,)]


def test_what_was_published_is_carried_out_and_comes_back(nordhaus):
    """The loop: channels send on the next day what was decided, and marketing reports those sends."""
    decided = nordhaus.rows(
        f"""
        select count(*) from decisions.decision_ledger
        where as_of_date = '{FIRST}' and channel in ('email', 'push', 'letter') and action_id <> 'no_action'
        """
    )[0][0]
    carried_out = nordhaus.rows(
        f"select count(*) from marts.mailing_sends where sent_date = '{LAST}' and action_id is not null"
    )[0][0]
    assert 0 < carried_out <= decided


def test_customers_are_people(nordhaus):
    """Accounts and contacts against the people whom the simulator played; rules and the learned model together."""
    files = sorted((nordhaus.home / "nordhaus" / "truth" / "records").glob("*.parquet"))
    columns = ["department", "entity", "record_key", "person"]
    truth = pd.concat([pd.read_parquet(file, columns=columns) for file in files])
    table = truth["department"].astype(str) + "." + truth["entity"].astype(str)
    truth = truth[table.isin(["crm.contacts", "shop.accounts"])]
    # A contact's key in the truth is its number and the moment of the change, for it may pass to another person.
    people = truth["person"].groupby(truth["record_key"].str.partition("|")[0]).first()
    found = nordhaus.rows(
        "select source_key, customer_id from identity.entity_customers where entity_kind in ('account', 'contact')"
    )
    ids = pd.DataFrame(found, columns=["source_key", "customer_id"])
    ids["person"] = ids["source_key"].map(people)
    assert ids["person"].notna().all()
    assert len(nordhaus.rows("select * from identity.models")) >= 1, "a model was learned"
    seen = quality(ids["customer_id"], ids["person"])
    assert seen.precision >= 0.99, seen
    assert seen.recall >= 0.95, seen


def test_a_second_demo_changes_nothing(nordhaus):
    before = nordhaus.checksums()
    assert nordhaus.demo().count("already complete") >= 4
    assert nordhaus.checksums() == before


def test_a_human_answers_the_review_form_and_the_next_training_learns_it(nordhaus):
    """The form as people see it under Required Actions, the answer through Airflow, the label in the table."""
    place = ("review_messages", "a_review")
    nordhaus.airflow.unpause("review_messages")
    nordhaus.airflow.trigger(*place, {"as_of": LAST})
    form = wait_for_form(nordhaus, *place, "label_messages")
    asked = nordhaus.rows("select message_id, proposed_label from scores.review_queue order by rank limit 2")
    assert form["subject"] == "What are these messages about?" and all(message in form["body"] for message, _ in asked)
    (corrected, proposed), (strange, _) = asked
    intents = [intent for (intent,) in nordhaus.rows("select intent_id from vocabulary.message_intents order by 1")]
    label = next(intent for intent in intents if intent != proposed)
    lines = [f"{corrected}: {label}", f"{strange}: out_of_scope"]
    nordhaus.airflow.answer(*place, "label_messages", {"labels": lines, "by": "Ms Reviewer"})
    assert nordhaus.airflow.wait(*place, 120)["state"] == "success"

    kept = nordhaus.rows("select message_id, label, reviewed_by, as_of_date::text from scores.message_reviews")
    assert set(kept) == {(corrected, label, "Ms Reviewer", LAST), (strange, "out_of_scope", "Ms Reviewer", LAST)}
    assert not nordhaus.rows(f"select * from scores.review_queue where message_id in ('{corrected}', '{strange}')")
    with nordhaus.as_environment(), warehouse.transaction() as connection:
        learned = messages(connection, date.fromisoformat(LAST)).set_index("message_id")["label"]
    assert (learned[corrected], learned[strange]) == (label, "out_of_scope")


def test_a_steward_undoes_a_merge_and_the_day_is_built_and_published_again(nordhaus):
    """Last, for it changes the day: the form, the build it starts, and what scoring makes of it."""
    contact, account, customer = nordhaus.rows(
        """
        select max(source_key) filter (where entity_kind = 'contact'), max(source_key) filter (where entity_kind =
            'account'), customer_id
        from identity.entity_customers where entity_kind <> 'card'
        group by customer_id having count(distinct entity_kind) = 2 and count(*) = 2 order by customer_id limit 1
        """
    )[0]
    form = {
        "verb": "split",
        "entities": [f"account/{account}"],
        "others": [],
        "by": "steward",
        "reason": "two people of one name",
        "as_of": LAST,
    }
    before = {run["dag_run_id"] for run in nordhaus.airflow.runs()}
    nordhaus.airflow.unpause("steward_identities")
    nordhaus.airflow.trigger("steward_identities", "a_split", form)
    assert nordhaus.airflow.wait("steward_identities", "a_split", 300)["state"] == "success"
    wait_for_quiet(nordhaus, {"build_warehouse", "score_customers"}, before)

    customers = dict(
        nordhaus.rows(
            f"""
            select key_kind, customer_id from identity.customer_ids
            where (key_kind, source_key) in (('account', '{account}'), ('contact', '{contact}'))
            """
        )
    )
    assert customers["account"] != customers["contact"]
    assert customer in customers.values(), "who founded the customer keeps its id"
    for each in customers.values():
        assert nordhaus.rows(f"select count(*) from marts.customers where customer_id = '{each}'") == [(1,)]
        assert nordhaus.rows(
            f"select count(*) from activation.next_best_actions where customer_id = '{each}' and rank = 1"
        ) == [(1,)]
    assert nordhaus.rows("select distinct as_of_date::text, reason from decisions.withdrawn_decisions") == [
        (LAST, "wrong person")
    ]
    listed = nordhaus.rows("select distinct reason from identity.retractions")
    assert listed == [("split",)], "what was decided for the two as one is to be recalled"


def wait_for_form(nordhaus: Platform, dag_id: str, run_id: str, task_id: str, seconds: float = 120) -> dict[str, Any]:
    """Wait until a task asks a human; fail if its run ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if form := nordhaus.airflow.form(dag_id, run_id, task_id):
            return form
        tasks = {task["task_id"]: task["state"] for task in nordhaus.airflow.task_instances(dag_id, run_id)}
        assert nordhaus.airflow.run(dag_id, run_id)["state"] in ("queued", "running"), tasks
        time.sleep(1)
    raise AssertionError(f"{dag_id}.{task_id} asked nobody within {seconds} s")


def wait_for_quiet(nordhaus: Platform, dag_ids: set[str], before: set[str], seconds: float = 600) -> None:
    """Wait until each of the DAGs has run anew and nothing runs any more; fail on a red run."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        new = [run for run in nordhaus.airflow.runs() if run["dag_run_id"] not in before]
        assert all(run["state"] != "failed" for run in new), new
        done = {run["dag_id"] for run in new if run["state"] == "success"}
        if dag_ids <= done and all(run["state"] == "success" for run in new):
            return
        time.sleep(1)
    raise AssertionError(f"{dag_ids} did not run within {seconds} s")
