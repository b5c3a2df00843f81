"""`make demo`: from nothing to published next best actions, through Airflow, one business day after the other.

Resumable: a day that is complete is passed over, what failed or was interrupted is run again, exports that exist stay.
"""

import os
import time
from datetime import date

from dotenv import dotenv_values

from runtime import home, supervisor
from runtime import settings as settings_module
from runtime.airflow_client import AirflowClient
from runtime.demo_chain import CHAIN, ONCE, DemoFailed, days_played, play, play_once
from runtime.demo_company import open_company, play_company
from runtime.demo_summary import show_summary
from runtime.progress import console, step
from runtime.settings import Settings

PARSE_SECONDS = 180


def demo(given: Settings) -> int:
    """Play every day from CX_DEMO_FIRST to CX_DEMO_LAST and show what came out; return the exit code."""
    started = time.monotonic()
    try:
        if given.dataset == "none":
            raise DemoFailed("CX_DATASET=none has no data to play: use complete_journey or nordhaus.")
        given = keep_choices(given)
        supervisor.up(given)
        if given.dataset == "nordhaus":
            with step("the shop of Nordhaus gets a database"):
                open_company(given)
        client = AirflowClient(given)
        with step("Airflow reads the DAGs"):
            unpause(client)
        for day in days_played(given):
            deliver(given, day)
            play(client, given, day)
        for dag_id in ONCE:
            play_once(client, given, dag_id, given.demo_last)
    except DemoFailed as failure:
        console.print(f"\n[red]cxloop: {failure.headline}[/]")
        console.print(failure.details, markup=False)
        return 1
    show_summary(client, given, time.monotonic() - started)
    return 0


def keep_choices(given: Settings) -> Settings:
    """Write the data set and CX_LAND_SCHEDULE= into settings.env: `make up` must start what the demo played.

    The data end in the past, so a run for today would fail. Raises DemoFailed if this home plays another company.
    """
    home.prepare(given)
    file = given.home / "settings.env"
    kept = dotenv_values(file)
    if kept.get("CX_DATASET", given.dataset) != given.dataset:
        raise DemoFailed(
            f"{given.home} holds the data set {kept['CX_DATASET']}, not {given.dataset}.",
            f"Go on with `make demo DATASET={kept['CX_DATASET']}`, start anew after `make clean`, or choose another "
            "folder with CX_HOME.",
        )
    lines = {"CX_DATASET": given.dataset, "CX_LAND_SCHEDULE": ""}
    with file.open("a") as text:
        for name, value in lines.items():
            if name not in kept and (name == "CX_DATASET" or name not in os.environ):
                text.write(f"# Written by the demo.\n{name}={value}\n")
    return settings_module.settings()


def deliver(given: Settings, day: date) -> None:
    """Let the departments hand over everything up to `day`."""
    from simulator.complete_journey import deliver

    with step(f"the departments hand over their exports up to {day}") as results:
        if given.dataset == "nordhaus":
            results.append(play_company(given, day))
        else:
            results.append(f"{len(deliver(given.exports_dir, day, households=given.demo_households))} new files")


def unpause(client: AirflowClient) -> None:
    """Wait until every DAG of the walk was read, and let the scheduler run them. Raises DemoFailed."""
    wanted = {*CHAIN, *ONCE}
    deadline = time.monotonic() + PARSE_SECONDS
    while missing := wanted - {dag["dag_id"] for dag in client.dags()}:
        if errors := client.import_errors():
            raise DemoFailed(f"Airflow cannot read {errors[0]['filename']}.", errors[0]["stack_trace"])
        if time.monotonic() > deadline:
            raise DemoFailed(f"Airflow has not read {', '.join(sorted(missing))} after {PARSE_SECONDS} s.")
        time.sleep(1)
    for dag in client.dags():
        if dag["dag_id"] in wanted and dag["is_paused"]:
            client.unpause(dag["dag_id"])
