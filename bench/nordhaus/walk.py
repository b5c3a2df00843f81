"""The walk from exports to features over a warehouse of its own, without Airflow: a day comes, and is built.

The same functions as the tasks of `land_departments` and `build_warehouse`, in their order.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import uvicorn

from activation.marts import begin_build, publish_marts
from dags.wiring.dbt_group import MARTS, NOT_MARTS, STAGED
from dags.wiring.dbt_run import build
from expectations.gate import GateFailed, run_gate
from expectations.raw_gate import check_raw
from landing.contracts import departments
from landing.land import land_department
from landing.pulls import SourceUnavailable
from ml.identity.resolve import resolve_customers
from normalisation.normalise import normalise_values
from runtime import bootstrap, demo_company, home, ports, postgres
from runtime.progress import console
from runtime.secrets import secret
from runtime.settings import PREFIX, Settings, settings
from simulator.nordhaus import catalogue
from simulator.nordhaus.api import application
from simulator.nordhaus.company import SEED

LAST = catalogue.FIRST_DAY + timedelta(days=catalogue.HISTORY_DAYS - 1)
# Nobody waits for a rate limit here; tests/simulator shows that landing does.
REQUESTS_PER_SECOND = 10_000


@contextmanager
def company(place: Path, people: int, keep: bool = False) -> Iterator[Settings]:
    """A warehouse of its own beside the company's shop and APIs, for the block; removed unless `keep`."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= {"CX_HOME": str(place), "CX_DATASET": "nordhaus", "CX_DEMO_PEOPLE": str(people)}
    given = settings()
    try:
        postgres.start(given)
        bootstrap.bootstrap(given)
        ports.choose(given, "nordhaus")
        demo_company.open_company(given)
        tokens = {name: secret(given, f"nordhaus_{name}") for name in ("service", "marketing")}
        app = application(given.home / "nordhaus", tokens, SEED, per_second=REQUESTS_PER_SECOND)
        port = ports.remembered(given, "nordhaus")
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()
        yield given
        server.should_exit = True
    finally:
        postgres.stop(given)
        if not keep:
            home.remove(given)


def land_day(given: Settings, day: date, is_strict: bool = True, is_played: bool = True) -> dict[str, float]:
    """Let a day come: play, land, check raw; seconds by step.

    Not `is_strict`: a department that does not answer or is held stops itself alone, as in `land_departments`.
    """

    def each(do: Callable[[str, date], object]) -> None:
        for department in departments():
            with suppress(*([] if is_strict else [GateFailed, SourceUnavailable])):
                do(department, day)

    play = {"play": lambda: demo_company.play_company(given, day)} if is_played else {}
    return timed(day, **play, land=lambda: each(land_department), check_raw=lambda: each(check_raw))


def build_day(day: date, is_strict: bool = True, is_tested: bool = True) -> dict[str, float]:
    """Build what was known on a day, from normalising to the gate of the features; seconds by step.

    Not `is_strict`: without the gate of the features; that of the marts has to pass, or nothing is published. Not
    `is_tested`: without dbt's data tests.
    """
    check = {"check_features": lambda: run_gate("features.customer_features", day)} if is_strict else {}
    return timed(
        day,
        normalise=lambda: normalise_values(day),
        evidence=lambda: dbt(day, STAGED, is_tested=is_tested),
        resolve=lambda: resolve_customers(day),
        marts=lambda: dbt(day, MARTS, NOT_MARTS, begin_build(day), is_tested),
        check_marts=lambda: run_gate("marts.customers", day),
        publish_marts=lambda: publish_marts(day),
        features=lambda: dbt(day, ["models/features"], is_tested=is_tested),
        **check,
    )


def timed(day: date, **steps: Callable[[], object]) -> dict[str, float]:
    """Run the steps in order and return the seconds that each took."""
    seconds = {}
    for name, do in steps.items():
        begun = time.perf_counter()
        do()
        seconds[name] = time.perf_counter() - begun
        console.print(f"  {day}: {name} ({seconds[name]:.0f} s)")
    return seconds


def dbt(
    day: date, places: Sequence[str], but_not: Sequence[str] = (), marts_in: str = "marts", is_tested: bool = True
) -> None:
    """Run dbt on what lies in `places`, with the marts in `marts_in` and with data tests if `is_tested`."""
    select, exclude = ([f"path:{place}" for place in each] for each in (places, but_not))
    build(day, select, exclude + ([] if is_tested else ["resource_type:test"]), marts_in=marts_in)
