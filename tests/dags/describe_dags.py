"""Print, as one line of JSON, what Airflow finds in the checkout given as argument. Run by conftest in a process."""

import json
import sys
from pathlib import Path

HEAVY = {
    "pandas",
    "numpy",
    "mlflow",
    "great_expectations",
    "dbt.cli",
    "dlt",
    "sklearn",
    "xgboost",
    "psycopg2",
    "pyarrow",
}


def main(root: Path) -> None:
    before = HEAVY & set(sys.modules)
    from airflow.dag_processing.dagbag import BundleDagBag

    loaded_by_airflow = HEAVY & set(sys.modules)
    bag = BundleDagBag(dag_folder=str(root), bundle_path=root, bundle_name="cxloop")
    print(
        json.dumps(
            {
                "errors": bag.import_errors,
                "heavy": sorted((HEAVY & set(sys.modules)) - loaded_by_airflow - before),
                "files": sorted(Path(stat.file).name for stat in bag.dagbag_stats),
                "dags": {dag_id: describe(dag) for dag_id, dag in bag.dags.items()},
            }
        )
    )


def describe(dag) -> dict:
    condition = getattr(dag.timetable, "asset_condition", None)
    return {
        "doc": dag.doc_md,
        "tags": sorted(dag.tags),
        "timetable": type(dag.timetable).__name__,
        "cron": getattr(dag.timetable, "expression", None),
        "waits_for": sorted(asset.name for asset in getattr(condition, "objects", [condition]) if asset),
        "max_active_runs": dag.max_active_runs,
        "deadlines": [
            {
                "reference": alert.reference.reference_name,
                "seconds": alert.interval.total_seconds(),
                "callback": alert.callback.path,
            }
            for alert in dag.deadline or []
        ],
        "catchup": dag.catchup,
        "params": {name: dag.params.get_param(name).serialize() for name in dag.params},
        "tasks": {task.task_id: describe_task(task) for task in dag.tasks},
    }


def describe_task(task) -> dict:
    return {
        "kind": task.task_type,
        "owner": task.owner,
        "retries": task.retries,
        "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "rule": getattr(task.trigger_rule, "value", task.trigger_rule),  # a text while it is mapped
        "emits": sorted(outlet.name for outlet in task.outlets),
        "above": sorted(task.upstream_task_ids),
        "below": sorted(task.downstream_task_ids),
        "from_trigger": bool(getattr(task, "start_from_trigger", False)),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
