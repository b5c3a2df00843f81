"""Land what the departments handed over, and check it.

**What.** One branch per department: `land` loads every delivery dated `as_of` or before that is not known yet,
`check_raw` (the gate `raw.<department>`) sends bad rows to quarantine and accepts or holds the batches.
**When.** Every day at CX_LAND_SCHEDULE (UTC), or by hand. Not done in half an hour: who is not checked gets an alert.
**Reads** the exports, databases and APIs of `landing/departments/*.yml`. **Emits** the asset `raw_accepted` as soon as
at least one department was accepted, and `department_late` for each that is later than its contract allows.

**When it fails.** A red branch concerns its own department: the others go on, and the warehouse keeps what that
department had delivered before. The run stays red so that somebody looks.
- `check_raw` red: read its log, it says what is wrong and what to do; ask the department's owner for a repaired
  delivery. It lands with the next run. Or: `python -m expectations release -h`, `python -m expectations quarantine -h`.
- `land` red: the source did not answer or its contract is wrong. Correct it and clear the branch: safe to repeat.
- `accept_raw` red: nothing was accepted; yesterday's published state stays live.
"""

from airflow.sdk import Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from dags.wiring.assets import DEPARTMENT_LATE, RAW_ACCEPTED
from dags.wiring.clock import announce, as_of, at
from dags.wiring.overdue import LANDING_DEADLINE
from dags.wiring.rules import house_rules, no_retry_for_gates, show_failure
from landing.contracts import departments
from runtime.settings import settings

DEPARTMENTS_PARAM = Param(
    departments(),
    type="array",
    items={"type": "string", "enum": departments()},
    examples=departments(),
    title="departments",
    description="Which departments to land. Leave all of them in for a normal day.",
)
BY_NAME = "{{ task.op_kwargs['department'] }}"


@dag(
    doc_md=__doc__,
    schedule=at(settings().land_schedule),
    deadline=LANDING_DEADLINE,
    **house_rules("data-engineering", "land", minutes=30, departments=DEPARTMENTS_PARAM),
)
def land_departments():
    @task(map_index_template=BY_NAME)
    def land(department: str) -> None:
        from landing.land import land_department

        if department not in get_current_context()["params"]["departments"]:
            raise AirflowSkipException(f"{department} was not chosen for this run.")
        print(land_department(department, as_of()).summary())

    @task(map_index_template=BY_NAME)
    def check_raw(department: str) -> None:
        from expectations.raw_gate import check_raw

        with no_retry_for_gates():
            check_raw(department, as_of())

    @task_group
    def department_branch(department: str) -> None:
        land(department=department) >> check_raw(department=department)

    @task(outlets=[RAW_ACCEPTED], trigger_rule="all_done_min_one_success")
    def accept_raw() -> None:
        announce(RAW_ACCEPTED, as_of())

    @task(map_index_template=BY_NAME, trigger_rule="all_done", outlets=[DEPARTMENT_LATE])
    def alert_late(department: str) -> None:
        from expectations.alerts import late_message

        if not (message := late_message(department, as_of())):
            raise AirflowSkipException(f"{department} is not late.")
        announce(DEPARTMENT_LATE, as_of(), department=department, message=message)

    ends = [accept_raw(), show_failure("A department was held or not landed: see its red branch.")]
    department_branch.expand(department=departments()) >> [*ends, alert_late.expand(department=departments())]


land_departments()
