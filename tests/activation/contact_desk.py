"""Real HTTP servers that play destinations: a webhook that knows its keys, and Mautic's contacts. Both can fail."""

import json
import os
import signal
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN, USER, PASSWORD = "open-sesame", "cx", "let me in"


class Desk:
    """What the destination holds and how it behaves.

    `faults` by number of the call: a status (nothing is done), (429, seconds), "lost" (done, but no answer comes)
    or "kill" (done, then the process `pid` dies). `effects` are what was done, a known key does nothing twice.
    """

    def __init__(self) -> None:
        self.url = ""
        self.faults: dict[int, object] = {}
        self.calls: list[tuple[str, str, str | None, dict | None]] = []
        self.effects: list[tuple[str, str]] = []
        self.answered: dict[str, tuple[int, dict]] = {}
        self.held: dict[str, dict] = {}
        self.pid: int | None = None
        self.lock = threading.Lock()

    def is_known(self, headers) -> bool:
        return headers["Authorization"] == f"Bearer {TOKEN}"

    def do(self, method: str, path: str, body: dict | None) -> tuple[int, dict]:
        """Carry out a change as a webhook takes it."""
        kind, customer = body["kind"], body["customer_id"]
        self.effects.append((kind, customer))
        if kind == "remove":
            return (204, {}) if self.held.pop(customer, None) is not None else (404, {})
        self.held[customer] = body["content"]
        return 200, {}

    def answer(self, method: str, path: str, key: str | None, body: dict | None) -> tuple[int, dict]:
        """Do what is asked once per key."""
        if key not in self.answered:
            self.answered[key] = self.do(method, path, body)
        return self.answered[key]


class MauticDesk(Desk):
    """Mautic: contacts by number, merged by cx_customer_id; it knows no idempotency keys."""

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, dict] = {}

    def is_known(self, headers) -> bool:
        return headers["Authorization"] == "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def answer(self, method: str, path: str, key: str | None, body: dict | None) -> tuple[int, dict]:
        parts = urlsplit(path)
        steps = parts.path.strip("/").split("/")
        if method == "GET":
            wanted = parse_qs(parts.query)["search"][0].removeprefix("cx_customer_id:")
            found = {i: c for i, c in self.contacts.items() if c["cx_customer_id"] == wanted}
            return 200, {"total": len(found), "contacts": found or []}
        if steps[-1] == "new":
            known = [i for i, c in self.contacts.items() if c["cx_customer_id"] == body["cx_customer_id"]]
            number = known[0] if known else str(len(self.answered) + 41)
            self.answered[number] = (201, {})
            self.contacts[number] = {**self.contacts.get(number, {}), **body}
            return 201, {"contact": {"id": int(number)}}
        number = steps[-2]
        if number not in self.contacts:
            return 404, {"errors": [{"code": 404}]}
        if steps[-1] == "delete":
            del self.contacts[number]
        else:
            self.contacts[number] |= body
        return 200, {"contact": {"id": int(number)}}


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            key = self.headers["Idempotency-Key"]
            with desk.lock:
                desk.calls.append((self.command, self.path, key, body))
                fault = desk.faults.get(len(desk.calls))
                if not desk.is_known(self.headers):
                    return self.say(401, {})
                if isinstance(fault, tuple):
                    return self.say(fault[0], {}, str(fault[1]))
                if isinstance(fault, int):
                    return self.say(fault, {})
                status, content = desk.answer(self.command, self.path, key, body)
                if fault == "kill":
                    os.kill(desk.pid, signal.SIGKILL)
            if fault in ("lost", "kill"):
                self.close_connection = True
                return None
            return self.say(status, content)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 the names that http.server calls

        def say(self, status: int, content: dict, retry_after: str | None = None) -> None:
            body = b"" if status == 204 else json.dumps(content).encode()
            self.send_response(status)
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            """Stay quiet."""

    return Handler


@contextmanager
def open_desk(desk: Desk) -> Iterator[Desk]:
    """Serve on a free port of 127.0.0.1 until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(desk))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    desk.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield desk
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
