"""Start and stop the whole platform, and say how it is."""

import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import psutil

from runtime import bootstrap, home, lock, ports, postgres, processes, service_environment, warehouse
from runtime.progress import console, step
from runtime.services import AIRFLOW, MLFLOW, NAMES, NORDHAUS, Service, healthy, service_names, services
from runtime.settings import Settings

STOP_SECONDS = 20
LEFTOVER_SECONDS = 5
POLL_SECONDS = 0.5


class ServiceFailed(RuntimeError):
    """A service ended or did not become healthy in time; the message holds the end of its log."""


@dataclass(frozen=True)
class State:
    """How one service is: `since` is UTC; `pid`, `address` and `since` are None if it is down or does not listen."""

    name: str
    pid: int | None
    address: str | None
    healthy: bool
    since: datetime | None


def start_postgres(settings: Settings) -> int:
    """Start PostgreSQL alone, prepare the warehouse, return the port."""
    with lock.exclusive(settings):
        return _start_postgres(settings)


def up(settings: Settings) -> None:
    """Start what does not run, start anew what runs with another configuration, wait until everything is healthy.

    Raises ServiceFailed, Busy, PortTaken, HomeError, BootstrapError or PostgresError.
    """
    with lock.exclusive(settings):
        _start_postgres(settings)
        _choose_ports(settings)
        wanted = services(settings)
        _stop_outdated(settings, wanted)
        running = _running(settings)
        missing = [service for service in wanted if service.name not in running]
        for service in [each for each in missing if each.name not in AIRFLOW]:
            _start(settings, service)
        airflow = [service for service in wanted if service.name in AIRFLOW]
        _migrate(settings, airflow[0].environment)
        for service in [each for each in missing if each.name in AIRFLOW]:
            _start(settings, service)
        _wait_until_healthy(settings, wanted)


def down(settings: Settings) -> None:
    """Stop every service, PostgreSQL last; afterwards no process of this installation is left."""
    if not settings.home.exists():
        return
    with lock.exclusive(settings):
        _down(settings)


def clean(settings: Settings) -> None:
    """Stop every service and remove CX_HOME; nothing else is touched. Raises HomeError if the folder is not ours."""
    if not settings.home.exists():
        return
    home.refuse_foreign(settings)
    with lock.exclusive(settings):
        _down(settings)
        home.remove(settings)


def status(settings: Settings) -> list[State]:
    """Look at every service."""
    server = postgres.running(settings)
    states = [
        _state("postgres", server, postgres.answers(settings) if server else False, _address(settings, "postgres"))
    ]
    running = _running(settings)
    well = healthy(settings, running)
    for name in service_names(settings):
        address = _address(settings, "airflow" if name in AIRFLOW else name)
        listens = name in (MLFLOW, NORDHAUS, "airflow-api-server")
        states.append(_state(name, running.get(name), name in well, address if listens else None))
    return states


def _start_postgres(settings: Settings) -> int:
    with step("PostgreSQL") as results:
        port = postgres.start(settings)
        results.append(f"{ports.HOST}:{port}")
    with step("databases, roles, schemas and rights"):
        bootstrap.bootstrap(settings)
    return port


def _choose_ports(settings: Settings) -> None:
    """Choose the ports of Airflow and MLflow, except for a server that already listens where it should."""
    listening = {"mlflow": MLFLOW, "airflow": "airflow-api-server"}
    listening |= {NORDHAUS: NORDHAUS} if settings.dataset == NORDHAUS else {}
    for kind, name in listening.items():
        process = processes.find(settings, name)
        wanted = getattr(settings, f"{kind}_port", None)
        if process is None or wanted not in (None, ports.remembered(settings, kind)):
            ports.choose(settings, kind)


def _stop_outdated(settings: Settings, wanted: list[Service]) -> None:
    running = _running(settings)
    started_with = {name: processes.fingerprint(settings, name) for name in running}
    outdated = [each.name for each in wanted if started_with.get(each.name, each.fingerprint) != each.fingerprint]
    server = postgres.running(settings)
    # A component of Airflow that lost its database still runs for some seconds, looks healthy and then gives up;
    # MLflow connects anew.
    older = [name for name in running if server and running[name].create_time() < server.create_time()]
    orphaned = [name for name in older if name in AIRFLOW]
    for names, reason in ((outdated, "the configuration changed"), (orphaned, "the database was started anew")):
        if names := [name for name in names if name in _running(settings)]:
            with step(f"stopping {', '.join(names)}: {reason}"):
                processes.stop([running[name] for name in names], STOP_SECONDS, signal.SIGTERM)


def _migrate(settings: Settings, environment: dict[str, str]) -> None:
    """Make or update Airflow's tables, unless this version of Airflow did so in this database before."""
    stamp = settings.home / "airflow" / "migrated"
    installed = version("apache-airflow")
    revision = _airflow_revision(settings)
    if revision and stamp.exists() and stamp.read_text().split() == [installed, revision]:
        return
    with step("Airflow's tables"):
        (settings.home / "airflow").mkdir(exist_ok=True)
        started = processes.start(
            settings,
            "airflow-migrate",
            service_environment.python("airflow", "db", "migrate"),
            environment,
            settings.home / "airflow",
        )
        code = started.wait(timeout=settings.start_timeout_seconds)
        processes.forget(settings, "airflow-migrate")
        if code:
            raise ServiceFailed(f"`airflow db migrate` failed:\n{processes.last_lines(settings, 'airflow-migrate')}")
        stamp.write_text(f"{installed} {_airflow_revision(settings)}\n")


def _airflow_revision(settings: Settings) -> str | None:
    """Read which revision Airflow's tables have, None if there are none."""
    with warehouse.transaction("airflow") as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('alembic_version') is not null")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("select version_num from alembic_version")
        row = cursor.fetchone()
        return row[0] if row else None


def _start(settings: Settings, service: Service) -> None:
    # Workers of a killed scheduler would run on, and a task that is started again would run twice.
    processes.stop(processes.leftovers(settings, service.name), LEFTOVER_SECONDS, signal.SIGTERM)
    folder = settings.home / service.name.split("-")[0]
    folder.mkdir(exist_ok=True)
    processes.start(settings, service.name, service.command, service.environment, folder, service.fingerprint)


def _wait_until_healthy(settings: Settings, wanted: list[Service]) -> None:
    """Wait for every service; one that ends is started again once.

    A component of Airflow gives up seconds after it lost the database: it may have been alive when we looked.
    """
    started = time.monotonic()
    waiting = {service.name: service for service in wanted}
    again: set[str] = set()
    with step("Airflow and MLflow"):
        while waiting:
            running = _running(settings)
            for name in [name for name in waiting if name not in running]:
                if name in again:
                    raise ServiceFailed(f"{name} ended. The end of its log:\n{processes.last_lines(settings, name)}")
                _start(settings, waiting[name])
                again.add(name)
            looked_at = {name: process for name, process in running.items() if name in waiting}
            for name in sorted(healthy(settings, looked_at)):
                del waiting[name]
                console.print(f"  {name} is healthy ({time.monotonic() - started:.1f} s)")
            if waiting and time.monotonic() - started > settings.start_timeout_seconds:
                name = next(iter(waiting))
                raise ServiceFailed(
                    f"{', '.join(waiting)} not healthy after {settings.start_timeout_seconds} s (CX_START_TIMEOUT_"
                    f"SECONDS). The end of the log of {name}:\n{processes.last_lines(settings, name)}"
                )
            time.sleep(POLL_SECONDS if waiting else 0)


def _running(settings: Settings) -> dict[str, psutil.Process]:
    found = {name: processes.find(settings, name) for name in NAMES}
    return {name: process for name, process in found.items() if process}


def _down(settings: Settings) -> None:
    with step("stopping Airflow and MLflow") as results:
        # Airflow first, so that no task loses its database in the middle.
        database = _database_processes(settings)
        before = [process for process in processes.ours(settings) if process.pid not in database]
        main = list(_running(settings).values())
        processes.stop(main, STOP_SECONDS, signal.SIGTERM)
        # Tasks that did not end with their scheduler, and whatever they started meanwhile.
        after = [process for process in processes.ours(settings) if process.pid not in database]
        left = processes.wait_gone(list({*before, *after}), 0)
        processes.stop(left, LEFTOVER_SECONDS, signal.SIGTERM)
        results.append(f"{len(main)} services, {len(before)} processes, {len(left)} of them outlived their service")
        for name in NAMES:
            processes.forget(settings, name)
    with step("stopping PostgreSQL"):
        postgres.stop(settings)
        processes.stop(processes.ours(settings), LEFTOVER_SECONDS, signal.SIGTERM)


def _database_processes(settings: Settings) -> set[int]:
    server = postgres.running(settings)
    return {server.pid, *(child.pid for child in server.children(recursive=True))} if server else set()


def _state(name: str, process: psutil.Process | None, healthy: bool, address: str | None) -> State:
    if process is None:
        return State(name, None, None, False, None)
    since = datetime.fromtimestamp(process.create_time(), UTC).replace(microsecond=0)
    return State(name, process.pid, address, healthy, since)


def _address(settings: Settings, kind: str) -> str:
    scheme = "postgresql" if kind == "postgres" else "http"
    return f"{scheme}://{ports.HOST}:{ports.remembered(settings, kind)}"
