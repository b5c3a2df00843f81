"""Follow one business day through Airflow: trigger the first DAG, watch assets trigger the others, repair, report."""

import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from runtime import supervisor
from runtime.airflow_client import AirflowClient, AirflowError
from runtime.demo_screen import Screen
from runtime.settings import Settings

# Each DAG with those whose assets trigger it.
CHAIN: dict[str, tuple[str, ...]] = {
    "land_departments": (),
    "build_warehouse": ("land_departments",),
    "train_intent": ("build_warehouse",),
    "train_next_best_action": ("train_intent",),
    "score_customers": ("train_next_best_action",),
    "learn_from_outcomes": ("score_customers",),
}
ONCE = ("mine_journeys", "serve_privacy_requests")
POLL_SECONDS = 2.0  # Airflow lists the tasks of every running DAG for each look: a tenth of a core at one a second
# An asset event that was lost with a killed process does not come back: after this long we trigger the DAG ourselves.
LOST_EVENT_SECONDS = 60
SILENT_SECONDS = 120
LOOK_SECONDS = 20
DAY_SECONDS = 3 * 3600
SHOWN_LOG_LINES = 25
Run = dict[str, Any]


class DemoFailed(RuntimeError):
    """The walk stopped; `headline` says where, `details` holds the last lines of the log and its path."""

    def __init__(self, headline: str, details: str = "") -> None:
        super().__init__(headline)
        self.headline = headline
        self.details = details


def days_played(settings: Settings) -> list[date]:
    """Every business day of the demo, from CX_DEMO_FIRST to CX_DEMO_LAST, both included."""
    first, last = settings.demo_first, settings.demo_last
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def play(client: AirflowClient, settings: Settings, day: date) -> None:
    """Bring every DAG of the chain to success for `day`. Raises DemoFailed when a run fails under our eyes."""
    follow(client, settings, day, CHAIN)


def play_once(client: AirflowClient, settings: Settings, dag_id: str, day: date) -> None:
    """Bring a DAG that stands alone to success for `day`."""
    follow(client, settings, day, {dag_id: ()})


def follow(client: AirflowClient, settings: Settings, day: date, chain: dict[str, tuple[str, ...]]) -> None:
    """Trigger, watch and repair the runs of `chain` for `day` until all have succeeded."""
    walk = Walk(client.runs(), day, chain)
    if walk.is_complete:
        Screen.say(f"done   {day}: {', '.join(chain)} (already complete)")
        return
    for run in walk.failed():
        client.clear_failed(run["dag_id"], run["dag_run_id"])
    ready_since: dict[str, float] = {}
    next_look = time.monotonic() + LOOK_SECONDS
    deadline = time.monotonic() + DAY_SECONDS
    with Screen(f"{day}" if len(chain) > 1 else f"{day} {next(iter(chain))}") as screen:
        while not walk.is_complete:
            if time.monotonic() > deadline:
                raise DemoFailed(f"{day} was not done after {DAY_SECONDS // 3600} hours: look at Airflow.")
            time.sleep(POLL_SECONDS)
            if time.monotonic() > next_look:
                next_look = time.monotonic() + LOOK_SECONDS
                keep_up(settings)
            walk = Walk(patiently(client), day, chain)
            for dag_id in walk.waiting():
                waited = time.monotonic() - ready_since.setdefault(dag_id, time.monotonic())
                if not chain[dag_id] or waited > LOST_EVENT_SECONDS:
                    if chain[dag_id]:
                        Screen.say(f"{dag_id} was not started by its asset for {waited:.0f} s: starting it")
                    client.trigger(dag_id, walk.new_run_id(dag_id), {"as_of": day.isoformat()})
            show(client, screen, walk)
            for run in walk.failed():
                raise explained(client, settings, run)


class Walk:
    """The newest run of each DAG of a chain for one day: by the partition of its asset event, or by its form."""

    def __init__(self, runs: list[Run], day: date, chain: dict[str, tuple[str, ...]]) -> None:
        self._day = day
        self._chain = chain
        self._all: dict[str, list[Run]] = {dag_id: [] for dag_id in chain}
        for run in runs:
            days = (run.get("partition_key"), (run.get("conf") or {}).get("as_of"))
            if run["dag_id"] in chain and day.isoformat() in days:
                self._all[run["dag_id"]].append(run)

    def run(self, dag_id: str) -> Run | None:
        """The newest run, unless a DAG above it was run again since: then there is none that counts."""
        if not self._all[dag_id]:
            return None
        newest = max(self._all[dag_id], key=lambda run: moment(run, "run_after"))
        newest_since = moment(newest, "run_after")
        for above in self._chain[dag_id]:
            source = self.run(above)
            if source is None or source["start_date"] is None or moment(source, "start_date") > newest_since:
                return None
        return newest

    def runs(self) -> list[Run]:
        """Every run that counts."""
        return [run for dag_id in self._chain if (run := self.run(dag_id))]

    def failed(self) -> list[Run]:
        """Those of them that failed."""
        return [run for run in self.runs() if run["state"] == "failed"]

    def is_done(self, dag_id: str) -> bool:
        """Tell whether a DAG's run that counts has succeeded."""
        run = self.run(dag_id)
        return run is not None and run["state"] == "success"

    @property
    def is_complete(self) -> bool:
        """Tell whether every DAG of the chain is done."""
        return all(map(self.is_done, self._chain))

    def waiting(self) -> list[str]:
        """The DAGs that could run, because all above them are done, and have no run that counts."""
        return [
            dag_id
            for dag_id, above in self._chain.items()
            if self.run(dag_id) is None and all(map(self.is_done, above))
        ]

    def new_run_id(self, dag_id: str) -> str:
        """A run id of this day that is not in use."""
        count = len(self._all[dag_id])
        return f"as_of_{self._day}" + (f"_{count + 1}" if count else "")


def keep_up(settings: Settings) -> None:
    """Start again what has ended: without a scheduler the walk would wait for ever."""
    states = supervisor.status(settings)
    ended = [one.name for one in states if one.pid is None and not (one.name == "postgres" and settings.warehouse_url)]
    if ended:
        Screen.say(f"{', '.join(ended)} ended: starting again")
        supervisor.up(settings)


def moment(entry: Run, field: str) -> datetime:
    """Read a time of Airflow's answer."""
    return datetime.fromisoformat(entry[field])


def patiently(client: AirflowClient) -> list[Run]:
    """List all runs; a server that does not answer gets two minutes to come back."""
    deadline = time.monotonic() + SILENT_SECONDS
    while True:
        try:
            return client.runs()
        except AirflowError as silence:
            if time.monotonic() > deadline:
                raise DemoFailed(f"{silence} `make status` shows what is down; `make demo` goes on.") from silence
            time.sleep(POLL_SECONDS)


def show(client: AirflowClient, screen: Screen, walk: Walk) -> None:
    """Tell the screen which tasks run and which have ended since it was told last."""
    for run in walk.runs():
        if not screen.is_closed(run):
            try:
                screen.update(run, client.task_instances(run["dag_id"], run["dag_run_id"]))
            except AirflowError:
                return


def explained(client: AirflowClient, settings: Settings, run: Run) -> DemoFailed:
    """Say which task of a failed run failed, with the end of its log and where the whole log is."""
    tasks = [task for task in client.task_instances(run["dag_id"], run["dag_run_id"]) if task["state"] == "failed"]
    # The task that keeps a run red explains nothing; a model's task only repeats what the build says.
    telling = [task for task in tasks if task["task_id"] != "show_failure" and task["operator"] != "ModelTask"]
    if not telling:
        return DemoFailed(f"{run['dag_id']} failed ({run['dag_run_id']}).", "No task of it failed: look at Airflow.")
    first = min(telling, key=lambda task: moment(task, "end_date"))
    log = client.log(run["dag_id"], run["dag_run_id"], first["task_id"], first["try_number"], first["map_index"])
    lines = [line for line in log.splitlines() if line.strip() and not line.startswith("::")]
    branch = f" ({first['rendered_map_index']})" if first.get("rendered_map_index") else ""
    return DemoFailed(
        f"{run['dag_id']} failed in the task {first['task_id']}{branch}, {run['dag_run_id']}.",
        "\n".join([*lines[-SHOWN_LOG_LINES:], f"The whole log: {log_path(settings, run, first)}"]),
    )


def log_path(settings: Settings, run: Run, task: dict[str, Any]) -> Path:
    """Where Airflow wrote the log of the last try of a task."""
    path = settings.home / "airflow" / "logs" / f"dag_id={run['dag_id']}" / f"run_id={run['dag_run_id']}"
    path /= f"task_id={task['task_id']}"
    if task["map_index"] >= 0:
        path /= f"map_index={task['map_index']}"
    return path / f"attempt={task['try_number']}.log"
