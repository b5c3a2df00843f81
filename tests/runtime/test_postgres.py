"""The embedded PostgreSQL starts again after whatever happened to it, and never takes what belongs to others."""

import os
import signal
import socket
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from runtime import bootstrap, home, ports, postgres, processes
from runtime.settings import settings


@pytest.fixture
def own():
    """The settings of an installation of its own, in a folder with a blank that is closed to others."""
    with tempfile.TemporaryDirectory(prefix="cxloop own ") as folder:
        given = settings({"CX_HOME": str(Path(folder) / "a home")})
        try:
            yield given
        finally:
            postgres.stop(given)


def rows(given, statement: str) -> list[tuple]:
    """Run a statement as the administrator."""
    connection = postgres.admin_connection(given)
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall() if cursor.description else []
    connection.close()
    return found


def test_second_start_finds_the_first(own):
    """Starting twice keeps one server on one port."""
    port = postgres.start(own)
    pid = postgres.running(own).pid
    assert postgres.start(own) == port
    assert postgres.running(own).pid == pid
    assert postgres.stop(own)
    assert postgres.running(own) is None
    assert not postgres.stop(own)
    assert postgres.start(own) == port, "the port is remembered"


def test_killed_server_recovers_with_its_data(own):
    """`kill -9` of the server while a client writes: committed rows are there after the next start."""
    postgres.start(own)
    rows(own, "create table kept (n int)")
    rows(own, "insert into kept select generate_series(1, 1000)")
    os.kill(postgres.running(own).pid, signal.SIGKILL)
    postgres.start(own)
    assert rows(own, "select count(*) from kept") == [(1000,)]


def test_stale_pid_of_another_program_is_ignored(own):
    """After a crash the number in the pid file may belong to somebody else: that process is left alone."""
    postgres.start(own)
    server = postgres.running(own)
    pid_file = postgres.data_folder(own) / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    server.send_signal(signal.SIGKILL)
    assert not processes.wait_gone([server], 10)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert postgres.running(own) is None
    postgres.start(own)
    assert psutil.pid_exists(os.getpid())
    assert rows(own, "select 1") == [(1,)]


def test_interrupted_initdb_is_started_over(own):
    """What a killed initdb left behind is thrown away, because the data folder gets its name only when complete."""
    home.prepare(own)
    half = own.home / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres.start(own)
    assert not half.exists()
    assert rows(own, "show server_encoding") == [("UTF8",)]


def test_taken_port_that_was_asked_for_is_an_error(tmp_path):
    """The message names the port, the setting and the ways out."""
    with socket.socket() as other:
        other.bind((ports.HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        given = settings({"CX_HOME": str(tmp_path / "home"), "CX_POSTGRES_PORT": str(taken)})
        with pytest.raises(ports.PortTaken, match=f"{taken}.*CX_POSTGRES_PORT"):
            postgres.start(given)


def test_taken_port_that_was_only_remembered_is_replaced(own):
    """Another program took the old port while we were down: the next free one is used."""
    port = postgres.start(own)
    postgres.stop(own)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((ports.HOST, port))
        other.listen()
        assert postgres.start(own) != port


def test_port_taken_in_the_last_moment_is_replaced(own, monkeypatch):
    """Another program takes the port between our look and our start: the server tries the next one."""
    port = postgres.start(own)
    postgres.stop(own)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((ports.HOST, port))
        other.listen()
        looks = iter([True])
        really = ports.is_free
        monkeypatch.setattr(ports, "is_free", lambda asked: next(looks, False) if asked == port else really(asked))
        assert postgres.start(own) != port
    assert rows(own, "select 1") == [(1,)]


def test_server_is_private_and_durable(own):
    """Loopback only, no socket, scram for every kind of connection, nothing switched off that protects data."""
    postgres.start(own)
    assert rows(own, "select distinct auth_method from pg_hba_file_rules") == [("scram-sha-256",)]
    values = dict(rows(own, "select name, setting from pg_settings"))
    assert values["listen_addresses"] == ports.HOST
    assert values["unix_socket_directories"] == ""
    assert [values[name] for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")] == [
        "on"
    ] * 4
    assert rows(own, "select lower('ÄÖÜ')") == [("äöü",)]
    if os.geteuid() == 0:
        assert postgres.running(own).username() != "root"


def test_lost_secrets_are_explained(own):
    """Without the old password the server cannot be managed: the message says where it was."""
    postgres.start(own)
    (own.secrets_dir / "postgres_postgres").unlink()
    with pytest.raises(postgres.PostgresError, match="secrets"):
        postgres.start(own)


def test_no_process_is_left_behind(own):
    """After the stop nothing of this installation runs, although PostgreSQL hides its environment."""
    postgres.start(own)
    connection = postgres.admin_connection(own)
    assert len(processes.ours(own)) > 3
    postgres.stop(own)
    connection.close()
    deadline = time.monotonic() + 5
    while processes.ours(own) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes.ours(own) == []


def test_folder_of_somebody_else_is_never_removed(tmp_path):
    """CX_HOME pointed at a folder with other things in it: `clean` refuses."""
    (tmp_path / "diary.txt").write_text("mine")
    given = settings({"CX_HOME": str(tmp_path)})
    home.prepare(given)
    with pytest.raises(home.HomeError, match="not made by this platform"):
        home.remove(given)
    assert (tmp_path / "diary.txt").read_text() == "mine"


def outside(server, login: str) -> dict[str, str]:
    """Give the environment that makes `server` the outside warehouse of another installation."""
    return {"CX_WAREHOUSE_URL": f"postgresql://{login}@{ports.HOST}:{ports.remembered(server, 'postgres')}/company"}


def test_outside_warehouse(own, tmp_path, monkeypatch):
    """Roles and schemas land in the outside database; an account that may not make them is told what to ask for."""
    from runtime import warehouse

    postgres.start(own)
    rows(own, "create role company login createrole password 'a:b/c'")
    rows(own, "create role visitor login password 'v'")
    rows(own, "create database company owner company")
    monkeypatch.setenv("CX_HOME", str(tmp_path / "second home"))
    for name, value in outside(own, "visitor:v").items():
        monkeypatch.setenv(name, value)
    second = settings()
    try:
        postgres.start(second)
        with pytest.raises(bootstrap.BootstrapError, match='alter role "visitor" createrole'):
            bootstrap.bootstrap(second)
        monkeypatch.setenv("CX_WAREHOUSE_URL", outside(own, "company:a%3Ab%2Fc")["CX_WAREHOUSE_URL"])
        bootstrap.bootstrap(settings())
        bootstrap.bootstrap(settings())
        with warehouse.transaction() as connection:
            frame = warehouse.read_frame(
                connection,
                "select current_user as u, current_database() as d, count(*) as n "
                "from pg_namespace where nspname in ('marts', 'privacy', 'quality')",
            )
        assert frame.iloc[0].tolist() == ["cx_pipeline", "company", 3]
        assert warehouse.address("airflow")["port"] == str(ports.remembered(second, "postgres"))
        inner = rows(
            second, "select datname from pg_database where datname in ('airflow', 'mlflow', 'cxloop') order by 1"
        )
        assert inner == [("airflow",), ("mlflow",)]
    finally:
        postgres.stop(second)
