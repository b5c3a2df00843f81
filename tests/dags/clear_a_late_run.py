"""Clear a failed run of land_departments whose deadline is open; print its deadlines before and after as JSON.

Run by test_deadline in a process of its own, on a metadata database of its own, with the checkout as argument.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def main(root: Path) -> None:
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.dagbag import DBDagBag
    from airflow.models.deadline import Deadline
    from airflow.models.taskinstance import clear_task_instances
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select

    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=str(root / "dags" / "land_departments.py"), bundle_path=root, bundle_name="cxloop")
    sync_bag_to_db(bag, "cxloop", None)
    with create_session() as session:
        dag = DBDagBag().get_latest_version_of_dag("land_departments", session=session)
        now = datetime.now(UTC)
        run = dag.create_dagrun(
            run_id="late",
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        before = [deadline.deadline_time for deadline in session.scalars(select(Deadline))]
        queued = run.queued_at
        run.set_state(DagRunState.FAILED)
        tasks = run.get_task_instances(session=session)
        for task in tasks:
            task.set_state(TaskInstanceState.FAILED, session=session)
        clear_task_instances(tasks, session)
        session.flush()
        after = [deadline.deadline_time for deadline in session.scalars(select(Deadline))]
        print(
            json.dumps(
                {
                    "minutes": [(one - queued).total_seconds() / 60 for one in before],
                    "kept": before == after,
                    "state": run.state,
                    "cleared": len(tasks),
                }
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
