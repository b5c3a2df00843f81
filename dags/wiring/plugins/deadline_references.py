"""Tells Airflow's scheduler and API which references of deadlines the DAG files may use (`[core] plugins_folder`)."""

from airflow.plugins_manager import AirflowPlugin

from dags.wiring.queued_at import QueuedAt


class CxloopPlugin(AirflowPlugin):
    """What cxloop adds to Airflow."""

    name = "cxloop"
    deadline_references = [QueuedAt]  # noqa: RUF012 read as a class attribute by Airflow
