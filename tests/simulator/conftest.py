"""Nordhaus beside a warehouse of its own: its shop's database, its APIs on a port, raw schemas that start empty."""

import os
import shutil
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from psycopg2 import sql

from landing.contracts import departments
from runtime import bootstrap, demo_company, ports, postgres
from runtime.secrets import secret
from runtime.settings import Settings
from runtime.warehouse import transaction
from simulator.nordhaus.api import application
from simulator.nordhaus.company import SEED

PEOPLE = 256


@pytest.fixture(scope="module")
def platform(warehouse) -> Iterator:
    """The embedded server with the company's shop, and its APIs on a port of their own, ten requests a second."""
    before = os.environ.get("CX_DATASET")
    os.environ |= {"CX_DATASET": "nordhaus", "CX_DEMO_PEOPLE": str(PEOPLE)}
    from runtime.settings import settings

    given = settings()
    bootstrap.prepare_warehouse(given)
    for department in departments():
        empty(department)
    found_anew(given)
    ports.choose(given, "nordhaus")
    demo_company.open_company(given)
    tokens = {name: secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
    app = application(given.home / "nordhaus", tokens, SEED, per_second=10)
    port = ports.remembered(given, "nordhaus")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield given
    finally:
        server.should_exit = True
        thread.join()
        for department in departments():
            empty(department)
        with transaction() as connection, connection.cursor() as cursor:
            cursor.execute("truncate normalised.distinct_values, normalised.batches, quality.batch_verdicts")
        del os.environ["CX_DEMO_PEOPLE"]
        del os.environ["CX_DATASET"]
        if before is not None:
            os.environ["CX_DATASET"] = before


def found_anew(given: Settings) -> None:
    """Let the company begin at its first day: another test file of this process may have lived further."""
    for folder in (given.home / "nordhaus", given.exports_dir):
        shutil.rmtree(folder, ignore_errors=True)
    admin = postgres.admin_connection(given)
    try:
        with admin.cursor() as cursor:
            name = sql.Identifier(demo_company.DATABASE)
            cursor.execute(sql.SQL("drop database if exists {} with (force)").format(name))
    finally:
        admin.close()


def empty(department: str) -> None:
    with transaction("cx_landing") as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = %s", (f"raw_{department}",))
        for (table,) in cursor.fetchall():
            cursor.execute(sql.SQL("drop table {}").format(sql.Identifier(f"raw_{department}", table)))
