"""Start, find and stop the processes of this installation."""

import os
import subprocess
import time
from collections import deque
from pathlib import Path

import psutil

from runtime.home import instance
from runtime.settings import Settings

LOG_LIMIT_BYTES = 20_000_000
MARK = "CX_INSTANCE"


def start(
    settings: Settings, name: str, command: list[str], environment: dict[str, str], cwd: Path, fingerprint: str = "-"
) -> psutil.Process:
    """Start `command` in the background in a session of its own, its output in `logs/<name>.log`.

    The `fingerprint` of its configuration is kept beside its pid.
    """
    log = log_path(settings, name)
    _rotate(log)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        process = subprocess.Popen(
            command,
            env={**environment, MARK: instance(settings)},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = psutil.Process(process.pid)
    path = _pid_path(settings, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{started.pid} {started.create_time()} {fingerprint}\n")
    return started


def find(settings: Settings, name: str) -> psutil.Process | None:
    """Find the running main process of the service `name`.

    A pid file that outlived its process, or whose pid now belongs to another program, counts as "not running".
    """
    path = _pid_path(settings, name)
    try:
        pid, created, _ = path.read_text().split()
        process = psutil.Process(int(pid))
        is_same = abs(process.create_time() - float(created)) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None
    return process if is_same else None


def fingerprint(settings: Settings, name: str) -> str:
    """Say with which configuration the running service `name` was started."""
    return _pid_path(settings, name).read_text().split()[2]


def forget(settings: Settings, name: str) -> None:
    """Remove the pid file of the service `name`."""
    _pid_path(settings, name).unlink(missing_ok=True)


def ours(settings: Settings) -> list[psutil.Process]:
    """Find every process of this installation: by its mark, by its session, or by PostgreSQL's data folder.

    Programs that rename themselves (PostgreSQL, Airflow's workers) overwrite the memory that shows their environment,
    so the mark alone does not find them all.
    """
    mark, data = instance(settings), str(settings.home / "postgres" / "data")
    everybody = [process for process in psutil.process_iter() if process.pid != os.getpid() and _runs(process)]
    found = {process.pid: process for process in everybody if _is_marked(process, mark, data)}
    for path in (settings.home / "run").glob("*.pid"):
        service = find(settings, path.stem)
        members = [service] if service else leftovers(settings, path.stem)
        found.update({process.pid: process for process in members})
    # A session belongs to us if its leader does, or if its leader is gone: never the terminal of a user.
    sessions = {_session(process) for process in found.values()}
    sessions = {leader for leader in sessions if leader in found or not psutil.pid_exists(leader)} - {0}
    return [process for process in everybody if process.pid in found or _session(process) in sessions]


def leftovers(settings: Settings, name: str) -> list[psutil.Process]:
    """Find what a killed service `name` left running: the members of its session and their children.

    The kernel gives a session's number to nobody else while a member lives, so these are ours for certain.
    """
    try:
        leader = int(_pid_path(settings, name).read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return []
    if find(settings, name) or (psutil.pid_exists(leader) and _runs(psutil.Process(leader))):
        return []
    members = {process.pid: process for process in psutil.process_iter() if _session(process) == leader}
    for process in list(members.values()):
        try:
            members.update({child.pid: child for child in process.children(recursive=True)})
        except psutil.NoSuchProcess:
            continue
    return [process for process in members.values() if _runs(process)]


def stop(processes: list[psutil.Process], grace_seconds: float, first_signal: int) -> int:
    """Send `first_signal`, wait, kill what is left; return how many had to be killed."""
    for process in processes:
        _send(process, first_signal)
    alive = wait_gone(processes, grace_seconds)
    for process in alive:
        _send(process, 9)
    wait_gone(alive, 10)
    return len(alive)


def wait_gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until the `processes` ended (a zombie counts as ended); return those that still run."""
    deadline = time.monotonic() + seconds
    alive = list(processes)
    while True:
        # Reaps our own children; others are only looked at.
        _, alive = psutil.wait_procs(alive, timeout=0)
        alive = [process for process in alive if _runs(process)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.1)


def log_path(settings: Settings, name: str) -> Path:
    """Say where the service `name` writes its log."""
    return settings.logs_dir / f"{name}.log"


def last_lines(settings: Settings, name: str, count: int = 25) -> str:
    """Read the last lines of the log of the service `name`."""
    path = log_path(settings, name)
    if not path.exists():
        return "(no log)"
    with path.open(errors="replace") as log:
        return "".join(deque(log, count)).rstrip()


def _rotate(log: Path) -> None:
    """Keep one older log: services append, and a start is the moment when nobody writes."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _pid_path(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.pid"


def _is_marked(process: psutil.Process, mark: str, data: str) -> bool:
    try:
        return process.environ().get(MARK) == mark or process.cwd() == data
    except (psutil.Error, OSError):
        return False


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except OSError:
        return 0


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
