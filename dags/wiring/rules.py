"""What every DAG keeps: owners and tags from closed lists, retries, one run at a time, no catch-up."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dags.wiring.clock import AS_OF_PARAM, announce, as_of

OWNERS = frozenset({"data-engineering", "data-science", "customer-experience", "data-protection", "data-steward"})
TAGS = frozenset({"land", "build", "train", "score", "deliver", "learn", "journeys", "privacy", "steward"})

# Until the day before the same question is asked again, a week later.
WAITS_FOR_A_HUMAN = timedelta(days=6)

RETRAIN_PARAM = Param(
    False,
    type="boolean",
    title="retrain",
    description="Train even if the champion is young enough. The same data give the model that exists already.",
)


def house_rules(owner: str, tag: str, minutes: int, **params: Any) -> dict[str, Any]:
    """Arguments of `@dag`: `minutes` limits each task; `params` are added to the as_of of the form."""
    return {
        "default_args": {
            "owner": owner,
            "retries": 2,
            "retry_delay": timedelta(seconds=10),
            "execution_timeout": timedelta(minutes=minutes),
        },
        "tags": [tag],
        # Before the first day of any data set: Airflow wants a start, catch-up is off.
        "start_date": datetime(2017, 1, 1),
        "catchup": False,
        "max_active_runs": 1,
        "params": {"as_of": AS_OF_PARAM, **params},
    }


@contextmanager
def no_retry_for_gates() -> Iterator[None]:
    """A gate that failed would fail again on the same data: fail the task at once, without its retries."""
    from expectations.gate import GateFailed

    try:
        yield
    except GateFailed as failure:
        raise AirflowFailException(str(failure)) from None


@task(trigger_rule="one_failed", retries=0)
def show_failure(what: str) -> None:
    """Keep a run red when something failed while its later tasks could go on with the last good state."""
    raise AirflowFailException(what)


def check_gate(gate: str, emits: Asset | None = None, **given: Any) -> Any:
    """The task of the gate `gate` ("scores.decisions"), named check_<layer>_<name>; `given` goes to the task.

    `emits`: the asset that a passed gate stands for.
    """

    @task(task_id=f"check_{gate.replace('.', '_')}", outlets=[emits] if emits else [], **given)
    def check() -> None:
        from expectations.gate import run_gate

        with no_retry_for_gates():
            run_gate(gate, as_of())
        if emits:
            announce(emits, as_of())

    return check()


def skip_because(reason: str) -> None:
    """Skip the running task if there is a reason to."""
    if reason:
        raise AirflowSkipException(reason)


def skip_unless_due(model: str, day: date) -> None:
    """Skip the running task while `model`'s champion is young and did not drift, unless the form asks to retrain."""
    from ml.due import why_due

    why = "The form asks for it." if get_current_context()["params"]["retrain"] else why_due(model, day)
    if not why:
        raise AirflowSkipException(f"{model} is not due on {day}: its champion is young enough and has not drifted.")
    print(why)
