"""Calls to a destination's API: tried again while it is busy, refused at once when it says no."""

import logging
from collections.abc import Mapping
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from activation.destinations.change import Unavailable
from activation.destinations.configured import Destination
from activation.destinations.variables import variable

TIMEOUT_SECONDS = 10  # to connect, and between two bytes of the answer
LONGEST_WAIT_SECONDS = 60  # a task of 30 minutes sees some ten failed calls through
BUSY = {408, 425, 429, 500, 502, 503, 504}
# urllib3 would write paths, which may hold ids, at level debug.
logging.getLogger("urllib3").setLevel(logging.WARNING)


class Busy(Exception):  # noqa: N818 no error of ours
    """The destination did not answer, or asks to come again; `wait_seconds` if it said when."""

    def __init__(self, words: str, wait_seconds: float | None = None) -> None:
        super().__init__(words)
        self.wait_seconds = wait_seconds


class Api:
    """One destination's API: address, credentials and patience."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.url = variable(destination, destination.url_variable).rstrip("/")
        self.session = requests.Session()
        if destination.token_variable:
            self.session.headers["Authorization"] = f"Bearer {variable(destination, destination.token_variable)}"
        elif destination.user_variable:
            self.session.auth = (
                variable(destination, destination.user_variable),
                variable(destination, destination.password_variable),
            )

    def call(self, method: str, path: str, key: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        """Call `path` and return the answer, whatever it is, once it is no request to come again.

        `key` goes along as Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), so that a call that was carried
        out and whose answer was lost is not carried out twice. Raises Unavailable after the last attempt.
        """
        patience = Retrying(
            stop=stop_after_attempt(self.destination.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(Busy),
            reraise=True,
        )
        try:
            return patience(self._once, method, path, key, body)
        except Busy as problem:
            raise Unavailable(
                f"{self.destination.name}: {problem} after {self.destination.attempts} attempts."
            ) from None

    def _once(self, method: str, path: str, key: str, body: Mapping[str, Any] | None) -> requests.Response:
        try:
            answer = self.session.request(
                method, self.url + path, json=body, headers={"Idempotency-Key": key}, timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as problem:
            raise Busy(f"no answer ({type(problem).__name__})") from None
        if answer.status_code in BUSY:
            raise Busy(f"it answers {answer.status_code}", _seconds(answer.headers.get("Retry-After")))
        return answer

    def _wait(self, state: RetryCallState) -> float:
        """As long as it asked for, else 1, 2, 4, ... times the first wait at most, by chance (full jitter)."""
        asked = state.outcome.exception().wait_seconds
        if asked is not None:
            return min(asked, LONGEST_WAIT_SECONDS)
        return wait_random_exponential(self.destination.first_wait_seconds, max=LONGEST_WAIT_SECONDS)(state)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
