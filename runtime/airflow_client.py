"""Talk to Airflow through its REST API, as the generated administrator: trigger, look, clear, unpause.

Only what the command line and the tests need. Facts: Airflow 3.3 `api_fastapi/core_api/routes/public`.
"""

import json
import time
from typing import Any

import requests

from runtime import ports
from runtime.secrets import secret, secret_path
from runtime.settings import Settings

USER = "admin"
PASSWORDS = "airflow_passwords.json"
PAGE = 100
TIMEOUT_SECONDS = 60
FINISHED = ("success", "failed")


class AirflowError(RuntimeError):
    """Airflow refused a request or does not answer; the message repeats its reason."""


class AirflowClient:
    """A session with the running api-server. Raises AirflowError for every answer that is not a success."""

    def __init__(self, settings: Settings) -> None:
        port = ports.remembered(settings, "airflow")
        if port is None:
            raise AirflowError("Airflow has not been started yet: run `make up`.")
        self._password = password(settings)
        self._base = f"http://{ports.HOST}:{port}"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the user must not see requests to this machine

    def health(self) -> dict[str, Any]:
        """Give the state of the four components; needs no login."""
        return self._request("GET", "/monitor/health", login=False)

    def dags(self) -> list[dict[str, Any]]:
        """List every DAG that was parsed."""
        return self._pages("/dags", "dags", {})

    def import_errors(self) -> list[dict[str, Any]]:
        """List the DAG files that could not be read, with the traceback in `stack_trace`."""
        return self._pages("/importErrors", "import_errors", {})

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run the DAG."""
        self._request("PATCH", f"/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        """Keep the scheduler from running the DAG."""
        self._request("PATCH", f"/dags/{dag_id}", params={"update_mask": "is_paused"}, json={"is_paused": True})

    def trigger(
        self, dag_id: str, run_id: str, conf: dict[str, Any], logical_date: str | None = None
    ) -> dict[str, Any]:
        """Start the run `run_id` with `conf` as params and return it; a run of that name is returned as it is.

        `logical_date`: ISO 8601 with time zone, or None for a run that belongs to no date.
        """
        existing = self.run(dag_id, run_id)
        if existing:
            return existing
        body = {"dag_run_id": run_id, "conf": conf, "logical_date": logical_date}
        return self._request("POST", f"/dags/{dag_id}/dagRuns", json=body)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """Give one run (`state` is queued, running, success or failed), None if there is none of that name."""
        return self._request("GET", f"/dags/{dag_id}/dagRuns/{run_id}", missing_is_none=True)

    def runs(self, dag_id: str = "~", state: str | None = None) -> list[dict[str, Any]]:
        """List the runs of one DAG, or of all (`~`), newest first."""
        filters = {"order_by": "-run_after", **({"state": state} if state else {})}
        return self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", filters)

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """List the task instances of one run with state, try_number and duration."""
        return self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances", {})

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int, map_index: int = -1) -> str:
        """Read the log of one try as text, one event a line."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        answer = self._request("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(map(_text, answer.get("content", [])))

    def clear_failed(self, dag_id: str, run_id: str) -> int:
        """Run the failed tasks of a run again, with what depends on them; return how many were cleared."""
        body = {"dag_run_id": run_id, "dry_run": False, "only_failed": True, "reset_dag_runs": True}
        return self._clear(dag_id, {**body, "run_on_latest_version": True})

    def clear(self, dag_id: str, run_id: str) -> int:
        """Run every task of a run again; return how many were cleared."""
        body = {"dag_run_id": run_id, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        return self._clear(dag_id, {**body, "run_on_latest_version": True})

    def form(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """Give what a task asks a human (`subject`, `body`, `params`, `response_received`), None until it asks."""
        return self._request("GET", _form_path(dag_id, run_id, task_id), missing_is_none=True)

    def answer(self, dag_id: str, run_id: str, task_id: str, fields: dict[str, Any]) -> None:
        """Send the form of a task with its `fields`, as a human does under Required Actions; only the first counts."""
        body = {"chosen_options": ["OK"], "params_input": fields}
        self._request("PATCH", _form_path(dag_id, run_id, task_id), json=body)

    def asset_events(self, **filters: Any) -> list[dict[str, Any]]:
        """List what was announced: one event per update of an asset, with its `extra` and its source run."""
        return self._pages("/assets/events", "asset_events", filters)

    def wait(self, dag_id: str, run_id: str, timeout_seconds: float, poll_seconds: float = 1.0) -> dict[str, Any]:
        """Wait until the run finished and return it. Raises AirflowError if it takes longer."""
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            run = self.run(dag_id, run_id)
            if run and run["state"] in FINISHED:
                return run
            time.sleep(poll_seconds)
        raise AirflowError(f"{dag_id} {run_id} did not finish within {timeout_seconds:.0f} s.")

    def _clear(self, dag_id: str, body: dict[str, Any]) -> int:
        answer = self._request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)
        return answer["total_entries"]

    def _pages(self, path: str, key: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """Read a list to its end: Airflow hands out at most a hundred entries at a time."""
        entries: list[dict[str, Any]] = []
        while True:
            answer = self._request("GET", path, params={**filters, "limit": PAGE, "offset": len(entries)})
            entries += answer[key]
            if len(answer[key]) < PAGE:
                return entries

    def _request(
        self, method: str, path: str, login: bool = True, missing_is_none: bool = False, **arguments: Any
    ) -> Any:
        answer = self._send(method, f"/api/v2{path}", login, **arguments)
        if answer.status_code == 401 and login:
            # The token ran out, or the server started anew.
            self._session.headers.pop("Authorization", None)
            answer = self._send(method, f"/api/v2{path}", login, **arguments)
        if answer.status_code == 404 and missing_is_none:
            return None
        if not answer.ok:
            raise AirflowError(f"Airflow answered {method} {path} with {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def _send(self, method: str, path: str, login: bool, **arguments: Any) -> requests.Response:
        if login and "Authorization" not in self._session.headers:
            self._log_in()
        try:
            return self._session.request(method, self._base + path, timeout=TIMEOUT_SECONDS, **arguments)
        except requests.RequestException as error:
            raise AirflowError(f"Airflow does not answer at {self._base}: {type(error).__name__}") from error

    def _log_in(self) -> None:
        answer = self._send("POST", "/auth/token", False, json={"username": USER, "password": self._password})
        if not answer.ok:
            raise AirflowError(f"Airflow refused the login of {USER}: {answer.status_code}")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _form_path(dag_id: str, run_id: str, task_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"


def _text(event: str | dict[str, Any]) -> str:
    """Write one event of a log: its message and, if it tells of an exception, which one."""
    if isinstance(event, str):
        return event
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in event.get("error_detail") or []]
    return "\n".join([event.get("event", ""), *errors])


def password(settings: Settings) -> str:
    """Read the administrator's password, made on first use in the file that Airflow's SimpleAuthManager reads."""
    plain = secret(settings, "airflow_admin")
    # The api-server opens this file for writing, so it stands beside the secret it repeats.
    return json.loads(secret(settings, PASSWORDS, lambda: json.dumps({USER: plain})))[USER]


def password_file(settings: Settings) -> str:
    """Say where Airflow finds the passwords."""
    password(settings)
    return str(secret_path(settings, PASSWORDS))
