"""A landing that is killed (-9) anywhere is repeated by the next run, with the rows of an undisturbed run."""

import os
import signal
import subprocess
import sys
from datetime import date

import pytest

from landing.land import land_department
from runtime.settings import ROOT
from tests.landing.conftest import Landed, empty_raw

HISTORY, DAY = date(2017, 12, 28), date(2017, 12, 31)

# Each place replaces one function by itself followed (or preceded) by a kill of its own process.
PLACES = {
    "while reading": "kill_after(loader.RawLoader, 'add', 2)",
    "after registering": "kill_after(ledger, 'register', 1)",
    "with some parts loaded": "kill_after(PostgresCsvCopyJob, 'run', 2)",
    "after loading": "kill_after(loader.RawLoader, 'load', 1)",
    "while settling": "kill_after(ledger, 'settle', 1)",
    "after settling": "kill_before(loader.RawLoader, 'close')",
}

SCRIPT = """
import os, signal
from datetime import date
from landing import land, ledger, loader
from dlt.destinations.impl.postgres.postgres import PostgresCsvCopyJob

def kill(*_): os.kill(os.getpid(), signal.SIGKILL)

def kill_after(owner, name, calls):
    original, count = getattr(owner, name), [0]
    def wrapped(*arguments):
        result = original(*arguments)
        count[0] += 1
        if count[0] == calls:
            kill()
        return result
    setattr(owner, name, wrapped)

def kill_before(owner, name):
    setattr(owner, name, kill)

land.ROWS_PER_PART = 100  # several parts, so that some can be loaded and others not
{place}
land.land_department("till", date({day}))
"""


@pytest.fixture(scope="module")
def undisturbed(warehouse, delivered_days):
    """What raw holds after two runs that nobody kills."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_EXPORTS_DIR", str(delivered_days))
        empty_raw("till")
        _run_twice()
        yield Landed().everything("till", ["transactions"])


def _run_twice() -> None:
    land_department("till", HISTORY)
    land_department("till", DAY)


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_landing_is_repeated_with_the_same_rows(undisturbed, landed, exports, place):
    script = SCRIPT.format(place=PLACES[place], day="2017, 12, 28")
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    statuses = set(landed.ledger("till")["status"])
    assert place == "after settling" or "landed" not in statuses, "nothing counts before it is settled"
    _run_twice()
    assert landed.everything("till", ["transactions"]) == undisturbed
