"""Fixtures for every room: a real embedded PostgreSQL, prepared as `make up` prepares it."""

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as property_settings

from runtime import bootstrap, home, postgres
from runtime.settings import PREFIX, Settings, settings

# The company that tests are about, unless they say otherwise.
COMPANY = {"CX_DATASET": "complete_journey"}
os.environ |= COMPANY
# With the default of 700 objects, collecting garbage was a seventh of a dbt build's time (measured 2026-11-28).
gc.set_threshold(100_000, 20, 100)
# Timings never decide a test: hypothesis would fail an example that takes 200 ms on a busy machine.
property_settings.register_profile("untimed", deadline=None)
property_settings.load_profile("untimed")


@pytest.fixture(scope="session")
def warehouse() -> Iterator[Settings]:
    """Start an embedded PostgreSQL of its own in a temporary `CX_HOME`, prepared; yield its settings, then remove it.

    The environment is changed for the whole session, so that the code under test finds this warehouse by itself.
    """
    before = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    for name in before:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop test ") as folder:
        os.environ |= {**COMPANY, "CX_HOME": str(Path(folder) / "home")}
        given = settings()
        try:
            postgres.start(given)
            bootstrap.bootstrap(given)
            yield given
        finally:
            postgres.stop(given)
            home.remove(given)
            del os.environ["CX_HOME"]
            os.environ.update(before)
