"""What belongs to us is found, whatever it did to hide; what does not belong to us is left alone."""

import os
import signal
import sys
import time

import psutil
import pytest

from runtime import lock, processes
from runtime.home import prepare
from runtime.settings import settings

# A service with a worker that hides its environment, as PostgreSQL and Airflow's workers do, and ignores SIGTERM.
SERVICE = """
import os, signal, time
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.execve("/bin/sleep", ["sleep", "600"], {})
time.sleep(600)
"""


@pytest.fixture
def own(tmp_path):
    """An empty installation; whatever it started is killed afterwards."""
    given = settings({"CX_HOME": str(tmp_path / "home")})
    prepare(given)
    yield given
    processes.stop(processes.ours(given), 0, signal.SIGKILL)


def start(given) -> tuple[psutil.Process, psutil.Process]:
    """Start the service; give it and its worker once the worker hides its environment."""
    main = processes.start(given, "probe", [sys.executable, "-c", SERVICE], dict(os.environ), given.home)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        workers = main.children()
        if workers and workers[0].name() == "sleep":
            return main, workers[0]
        time.sleep(0.05)
    raise AssertionError("the worker did not start")


def test_worker_of_a_killed_service_is_found_and_ended(own):
    """`kill -9` of the service leaves its worker; the sweep finds it by its session and kills it."""
    main, worker = start(own)
    assert {process.pid for process in processes.ours(own)} == {main.pid, worker.pid}
    assert processes.leftovers(own, "probe") == []
    main.kill()
    processes.wait_gone([main], 10)
    assert processes.find(own, "probe") is None
    assert processes.leftovers(own, "probe") == [worker]
    assert processes.ours(own) == [worker]
    assert processes.stop([worker], 1, signal.SIGTERM) == 1, "it ignores SIGTERM, so it had to be killed"
    assert processes.ours(own) == []


def test_number_of_a_dead_service_may_belong_to_another_program(own):
    """A pid file that names a living stranger is not "running", and the stranger is none of ours."""
    (own.home / "run").mkdir()
    (own.home / "run" / "probe.pid").write_text(f"{os.getpid()} 12345.0 -\n")
    assert processes.find(own, "probe") is None
    assert processes.leftovers(own, "probe") == []
    assert processes.ours(own) == []


def test_half_written_pid_file_is_no_service(own):
    """A crash in the middle of writing leaves no error behind."""
    (own.home / "run").mkdir()
    (own.home / "run" / "probe.pid").write_text("")
    assert processes.find(own, "probe") is None
    assert processes.leftovers(own, "probe") == []


def test_another_installation_is_left_alone(own, tmp_path):
    """Two checkouts on one machine do not stop each other's services."""
    start(own)
    other = settings({"CX_HOME": str(tmp_path / "other")})
    prepare(other)
    assert processes.ours(other) == []


def test_second_command_at_the_same_time_is_told_to_wait(own):
    """Only one command starts or stops an installation; the message says which process does."""
    with lock.exclusive(own), pytest.raises(lock.Busy, match=str(os.getpid())), lock.exclusive(own):
        pass
    with lock.exclusive(own):
        pass


def test_long_log_is_put_aside_at_start(own, monkeypatch):
    """Logs do not grow for ever: the old one is kept once."""
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 10)
    log = processes.log_path(own, "probe")
    log.write_text("older than this start\n")
    start(own)
    assert log.with_suffix(".log.1").read_text() == "older than this start\n"
    assert "older" not in log.read_text()
