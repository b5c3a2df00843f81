"""A landing of Nordhaus that is killed (-9) anywhere, or has no truth beside it, leaves the same rows in the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

import pytest

from expectations.gate import GateFailed
from expectations.raw_gate import check_raw
from landing.land import land_department
from runtime import demo_company
from runtime.checksums import checksums
from runtime.settings import ROOT
from runtime.warehouse import transaction
from simulator.nordhaus import api
from tests.simulator.conftest import empty

DAYS = (date(2025, 1, 12), date(2025, 1, 13))
KEPT = ("suspect_values", "batch_verdicts", "department_status", "department_health", "alerts")
LANDED = ("consent", "crm", "service", "shop", "web")  # files, a database, an API
PAGE_ROWS = 5  # so that tickets and messages come in several pages

# Department, and what is done to one function before the first day is landed and judged.
PLACES = {
    "while a file is read": ("web", "kill_after(arrivals, 'read_content', 20)"),
    "between two COPYs": ("web", "kill_after(PostgresCsvCopyJob, 'run', 1)"),
    "after COPY, before the ledger": ("consent", "kill_after(loader.RawLoader, 'load', 1)"),
    "between two pages of an API": ("service", "kill_within(endpoints, '_pages', 2)"),
    "between two questions to a database": ("shop", "kill_within(land, 'fetch_table', 1)"),
    "while rows go to quarantine": ("consent", "kill_before(quarantine, 'repeated_keys')"),
    "while values are marked": ("crm", "kill_after(suspicion, '_statements', 1)"),
}
SCRIPT = """
import os, signal
from contextlib import suppress
from datetime import date
from dlt.destinations.impl.postgres.postgres import PostgresCsvCopyJob
from expectations import quarantine, suspicion
from expectations.gate import GateFailed
from expectations.raw_gate import check_raw
from landing import arrivals, endpoints, land, loader, pulls

def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)

def kill_after(owner, name, calls):
    original, count = getattr(owner, name), [0]
    def wrapped(*arguments):
        result = original(*arguments)
        count[0] += 1
        if count[0] == calls:
            kill()
        return result
    setattr(owner, name, wrapped)

def kill_within(owner, name, items):
    original = getattr(owner, name)
    def wrapped(*arguments):
        for number, item in enumerate(original(*arguments), 1):
            yield item
            if number == items:
                kill()
    setattr(owner, name, wrapped)

def kill_before(owner, name):
    setattr(owner, name, kill)

land.ROWS_PER_PART = pulls.ROWS_AT_ONCE = 100
{place}
land.land_department("{department}", date({day}))
with suppress(GateFailed):
    check_raw("{department}", date({day}))
"""


@pytest.fixture(scope="module")
def undisturbed(platform) -> Iterator[dict[str, str]]:
    """The checksum of every table after two days of the departments that nobody kills."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "PAGE_ROWS", PAGE_ROWS)
        demo_company.play_company(platform, DAYS[-1])
        for department in LANDED:
            forget(department)
            run(department)
        yield checksums()
        for department in LANDED:
            forget(department)


def run(department: str) -> None:
    """Land and judge both days."""
    for day in DAYS:
        land_department(department, day)
        with suppress(GateFailed):  # a gate that refuses saves what it found
            check_raw(department, day)


def forget(department: str) -> None:
    """Remove all that landing and gate know of a department."""
    empty(department)
    with transaction("cx_pipeline") as connection, connection.cursor() as cursor:
        cursor.execute("delete from quarantine.rejected_rows where department = %s", (department,))
        cursor.execute("delete from quality.gate_results where gate = %s", (f"raw.{department}",))
        for table in KEPT:
            cursor.execute(f"delete from quality.{table} where department = %s", (department,))


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_landing_is_repeated_with_the_same_rows(undisturbed, place):
    department, blow = PLACES[place]
    forget(department)
    script = SCRIPT.format(place=blow, department=department, day=f"{DAYS[0]:%Y, %-m, %-d}")
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run(department)
    assert checksums() == undisturbed


def test_without_the_truth_everything_comes_out_the_same(platform, undisturbed):
    """Nothing opens a file of it, and nothing misses it."""
    truth = platform.home / "nordhaus" / "truth"
    away = truth.with_name("moved away")
    opened: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple) -> None:
        if watching[0] and event in ("open", "os.listdir", "os.scandir"):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)  # a hook stays for good: it is switched off below
    truth.rename(away)
    try:
        for department in LANDED:
            forget(department)
            run(department)
        watching[0] = False
        assert checksums() == undisturbed
    finally:
        watching[0] = False
        away.rename(truth)
    assert any("events_" in path for path in opened), "the watch sees what landing opens"
    assert [path for path in opened if "truth" in path.lower() or "moved away" in path] == []
