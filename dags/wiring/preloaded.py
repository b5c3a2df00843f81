"""LocalExecutor that has imported the heavy libraries once, before it forks its workers.

LocalExecutor forks every task from the scheduler. A day of the walk has some 25 tasks that import Great Expectations
(4.4 s of CPU), MLflow with XGBoost (3.5 s), dbt (2.7 s) or Splink with DuckDB (1.1 s): about 70 s of CPU a day, or 12 s
once. None of these libraries starts a Python thread when imported, which would not live on in a fork (the test looks).
dlt is not among them: it reads its settings when it is imported, and landing sets them just before.
"""

import gc
import importlib
import warnings

from airflow.executors.local_executor import LocalExecutor

LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "great_expectations",
    "sklearn.pipeline",
    "xgboost",
    "matplotlib.figure",
    "mlflow.sklearn",
    "dbt.cli.main",
    "dbt.adapters.postgres",
    "duckdb",
    "splink",
)


class PreloadedLocalExecutor(LocalExecutor):
    """Runs tasks as LocalExecutor does; they find the libraries imported."""

    def start(self) -> None:
        """Import the libraries, then fork the workers; they collect garbage after many new objects, not after 700."""
        for library in LIBRARIES:
            importlib.import_module(library)
        # skops looks at every attribute of every loaded module; Airflow's old names answer with 1,160 warnings a task.
        warnings.filterwarnings("ignore", module=r"skops\.io")
        gc.set_threshold(100_000, 20, 100)  # inherited by the forks; a seventh of the time of a dbt build before
        super().start()
