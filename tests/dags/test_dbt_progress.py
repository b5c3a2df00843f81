"""How a dbt run tells how its models fare: a model is done when its tests are."""

from types import SimpleNamespace

from dags.wiring.dbt_run import Progress


def ended(unique_id: str, status: str, message: str = "") -> SimpleNamespace:
    kind, _, name = unique_id.split(".")
    node = SimpleNamespace(unique_id=unique_id, node_status=status, resource_type=kind, node_name=name)
    result = SimpleNamespace(message=message, execution_time=1.5)
    return SimpleNamespace(
        info=SimpleNamespace(name="NodeFinished"), data=SimpleNamespace(node_info=node, run_result=result)
    )


def follow(tests_of: dict[str, set[str]], *events: SimpleNamespace) -> tuple[Progress, list[set[str]]]:
    told: list[set[str]] = []
    progress = Progress(tests_of, lambda done: told.append(set(done)))
    for event in events:
        progress(event)
    return progress, told


def test_a_model_without_tests_is_done_at_once():
    progress, told = follow({}, ended("model.cxloop.baskets", "success", "INSERT 0 5"))
    assert progress.done == {"baskets": {"state": "success", "seconds": 1.5, "message": "INSERT 0 5"}}
    assert told == [{"baskets"}]


def test_a_model_waits_for_its_tests():
    tests = {"model.cxloop.a": {"test.cxloop.t1", "test.cxloop.t2"}}
    progress, told = follow(tests, ended("model.cxloop.a", "success"), ended("test.cxloop.t1", "pass"))
    assert told == []
    progress(ended("test.cxloop.t2", "warn"))
    assert progress.done["a"]["state"] == "success"


def test_a_failed_test_fails_its_model_and_is_named():
    tests = {"model.cxloop.a": {"test.cxloop.t1"}}
    progress, _ = follow(tests, ended("model.cxloop.a", "success"), ended("test.cxloop.t1", "fail", "Got 3 results"))
    assert progress.done["a"]["state"] == "failed"
    assert progress.failures == ["t1: Got 3 results"]


def test_a_unit_test_that_fails_before_its_model_keeps_the_model_failed():
    tests = {"model.cxloop.a": {"unit_test.cxloop.u"}}
    progress, _ = follow(tests, ended("unit_test.cxloop.u", "fail", "differs"), ended("model.cxloop.a", "skipped"))
    assert progress.done["a"]["state"] == "failed"


def test_an_error_and_what_dbt_skipped_because_of_it():
    progress, _ = follow(
        {"model.cxloop.a": {"test.cxloop.t1"}},
        ended("model.cxloop.a", "error", "no such column"),
        ended("model.cxloop.b", "skipped"),
    )
    assert progress.done["a"]["state"] == "failed"
    assert progress.done["b"]["state"] == "skipped"


def test_other_events_are_none_of_its_business():
    progress, told = follow({}, SimpleNamespace(info=SimpleNamespace(name="NodeStart")))
    assert (progress.done, told) == ({}, [])
