"""A Nordhaus to land from, played up to a day: its shop's database, its APIs, and an embedded server of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from runtime import bootstrap, demo_company, home, ports, postgres
from runtime.secrets import secret
from runtime.settings import PREFIX, Settings, settings
from simulator.nordhaus import catalogue, company, shop_database

PATIENCE = 30  # seconds for the API to answer


def day_of(number: int) -> date:
    """The last day of a history of `number` days."""
    return catalogue.date_of(number - 1)


@contextmanager
def stage(folder: Path, people: int) -> Iterator[Settings]:
    """Start warehouse and APIs for the company in `folder`; stop and remove them afterwards, not the company."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= {
        "CX_HOME": str(folder / "home"),
        "CX_EXPORTS_DIR": str(folder / "exports"),
        "CX_DATASET": "nordhaus",
        "CX_DEMO_PEOPLE": str(people),
    }
    given = settings()
    api = None
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        ports.choose(given, "nordhaus")
        demo_company.open_company(given)
        api = _serve(given, folder / "company")
        yield given
    finally:
        if api:
            api.terminate()
            api.wait()
        postgres.stop(given)
        home.remove(given)


def play(given: Settings, folder: Path, people: int, days: int) -> None:
    """Bring files, APIs and the shop's database to the end of a history of `days` days."""
    company.deliver(folder / "exports", folder / "company", day_of(days), people=people)
    url = demo_company.shop_url(given, demo_company.OWNER)
    shop_database.bring_up_to(url, folder / "company", demo_company.READER)


def _serve(given: Settings, company_dir: Path) -> subprocess.Popen:
    """The APIs as a process of their own, at full speed: the rate limit of a real one is not what is measured."""
    port = ports.remembered(given, "nordhaus")
    tokens = {f"CX_{name.upper()}_API_TOKEN": secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
    command = [sys.executable, "-m", "simulator.nordhaus.api", "--company", str(company_dir), "--port", str(port)]
    command += ["--requests-per-second", "100000"]
    process = subprocess.Popen(command, env={**os.environ, **tokens})
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(f"http://{ports.HOST}:{port}/health", timeout=5).read()
            return process
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                raise SystemExit("The company's APIs do not answer.") from None
            time.sleep(0.1)
