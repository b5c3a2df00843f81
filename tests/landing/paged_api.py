"""A real HTTP server that plays a department's API: pages by number or by cursor, and the faults of the network."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "open-sesame"


class PagedApi:
    """What the API holds and how it behaves; `requests` are the (endpoint, query) pairs it was asked."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict]] = {}
        self.list_key: dict[str, str] = {}
        self.by_cursor: set[str] = set()
        self.since: dict[str, tuple[str, str]] = {}  # endpoint: (query parameter, column)
        self.page_size = 2
        self.faults: dict[int, object] = {}  # number of the request: a status, (429, seconds), or "cut"
        self.requests: list[tuple[str, dict]] = []
        self.url = ""

    def answer(self, endpoint: str, query: dict) -> dict | list:
        """One page."""
        found = self.records[endpoint]
        if endpoint in self.since:
            parameter, column = self.since[endpoint]
            wanted = query.get(parameter, [""])[0].replace(" ", "T")
            found = [record for record in found if str(record[column]).replace(" ", "T") >= wanted]
        key = self.list_key.get(endpoint, "items")
        if endpoint in self.by_cursor:
            start = int(query.get("cursor", ["0"])[0])
            end = start + self.page_size
            return {key: found[start:end], "next": str(end) if end < len(found) else None}
        page = int(query.get("page", ["1"])[0])
        start = (page - 1) * self.page_size
        return {key: found[start : start + self.page_size], "pages": max(1, -(-len(found) // self.page_size))}


def _handler(api: PagedApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 the name that http.server calls
            parts = urlsplit(self.path)
            endpoint, query = parts.path.rsplit("/", 1)[-1], parse_qs(parts.query)
            api.requests.append((endpoint, query))
            fault = api.faults.get(len(api.requests))
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.send(401, {})
            elif isinstance(fault, tuple):
                self.send(fault[0], {}, {"Retry-After": str(fault[1])})
            elif isinstance(fault, int):
                self.send(fault, {})
            else:
                self.send(200, api.answer(endpoint, query), cut=fault == "cut")

        def send(self, status: int, content, headers: dict | None = None, cut: bool = False) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = True

        def log_message(self, *arguments) -> None:
            """Keep the test's output quiet."""

    return Handler


@contextmanager
def serving() -> Iterator[PagedApi]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    api = PagedApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
