"""What the scheduler imports before it forks must survive the fork."""

import os
import subprocess
import sys

from dags.wiring.preloaded import LIBRARIES
from runtime.settings import ROOT

# Threads do not live on in a fork; native pools (BLAS, OpenMP, Arrow) must come back in the child by themselves.
IN_A_FORK = """
import importlib, os, sys, threading
for library in {libraries}:
    importlib.import_module(library)
assert threading.active_count() == 1, threading.enumerate()
child = os.fork()
if child == 0:
    import duckdb, numpy, pyarrow, pyarrow.compute, xgboost
    numbers = numpy.random.default_rng(1).random((4000, 20))
    xgboost.XGBClassifier(n_estimators=20, n_jobs=2).fit(numbers, numbers[:, 0] > 0.5)
    assert (numbers.T @ numbers).shape == (20, 20)
    assert pyarrow.compute.sum(pyarrow.array(numbers[:, 0])).as_py() > 0
    assert duckdb.sql("select sum(i) from range(1000000) as t (i)").fetchall() == [(499999500000,)]
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_the_libraries_start_no_thread_and_work_in_a_fork():
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FORK.format(libraries=LIBRARIES)],
        cwd=ROOT,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
