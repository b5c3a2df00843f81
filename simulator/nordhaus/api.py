"""The APIs of contact centre and campaign tool: pages, bearer tokens, a rate limit; they show the company's today.

    CX_SERVICE_API_TOKEN=… CX_MARKETING_API_TOKEN=… python -m simulator.nordhaus.api --company FOLDER --port N

Addresses: http://127.0.0.1:N/service and /marketing. Tickets and messages come by page number, sends and responses by
cursor. Rows are what was stored by `departments.py`, seen at the end of the day that was lived last.
"""

import argparse
import asyncio
import hmac
import os
import time
from collections import OrderedDict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulator.nordhaus import catalogue, mailings
from simulator.nordhaus.clock import epoch, iso_utc

PAGE_ROWS = 2000
REQUESTS_PER_SECOND = 40  # above it the caller is told to wait a second
CURSORS = {"tickets": "updated_at", "messages": "sent_at", "sends": "sent_at", "responses": "occurred_at"}
RESOLVED_WITHIN_DAYS = 8  # a ticket's last change is stored with the day it was opened
KEPT = 4  # results of page-number queries kept, because every page asks for the same


class Shelf:
    """What lies behind one company's APIs."""

    def __init__(self, company: Path) -> None:
        self._company = company
        self._results: OrderedDict[tuple, pa.Table] = OrderedDict()
        self._day: tuple[tuple, pa.Table] | None = None  # the last day that was read: it makes several pages

    def today(self) -> int:
        """The day of the world that was lived last; before the first there is nothing to see."""
        path = self._company / "today"
        return int(path.read_text()) if path.exists() else -1

    def days(self, department: str, entity: str, since: str) -> list[Path]:
        """The stored days that may hold rows after `since`, up to today."""
        last = str(catalogue.date_of(self.today()))
        first = since[:10]
        if entity == "tickets" and since:
            first = str(catalogue.date_of(catalogue.day_of(catalogue.date.fromisoformat(first)) - RESOLVED_WITHIN_DAYS))
        elif since:  # the local day begins up to two hours before the UTC day that `since` names
            first = str(catalogue.date_of(catalogue.day_of(catalogue.date.fromisoformat(first)) - 1))
        paths = sorted((self._company / "behind" / department / entity).glob("2*.parquet"))
        return [path for path in paths if first <= path.stem <= last]

    def rows(self, path: Path, entity: str, since: str) -> pa.Table:
        """The rows of a stored day after `since`, as they are at the end of today, in the order of time."""
        key = (path, entity, since, self.today())
        read = self._day
        if read is None or read[0] != key:
            table = pq.read_table(path)
            column = table[CURSORS[entity]]
            end = str(iso_utc(epoch(self.today() + 1, 0).reshape(1))[0])
            read = self._day = (key, table.filter(pc.and_(pc.greater(column, since), pc.less(column, end))))
        return read[1]

    def everything(self, department: str, entity: str, since: str) -> pa.Table | None:
        """All rows after `since`, sorted by time; kept for the next pages of the same question."""
        key = (department, entity, since, self.today())
        if key not in self._results:
            parts = [self.rows(path, entity, since) for path in self.days(department, entity, since)]
            found = pa.concat_tables(parts) if parts else None
            if found is not None:
                found = found.sort_by([(CURSORS[entity], "ascending"), (found.column_names[0], "ascending")])
            self._results[key] = found
            while len(self._results) > KEPT:
                self._results.popitem(last=False)
        return self._results[key]


class RateLimit:
    """Counts the requests of each second."""

    def __init__(self, per_second: int) -> None:
        self._per_second, self._second, self._count = per_second, 0, 0

    def check(self) -> None:
        """Refuse the request with 429 and Retry-After if this second is used up."""
        now = int(time.time())
        self._count = self._count + 1 if now == self._second else 1
        self._second = now
        if self._count > self._per_second:
            raise HTTPException(429, "too many requests", {"Retry-After": "1"})


def application(company: Path, tokens: dict[str, str], seed: int, per_second: int = REQUESTS_PER_SECOND) -> Starlette:
    """Make the ASGI application. `tokens`: the bearer token of each department (service, marketing)."""
    shelf, limit = Shelf(company), RateLimit(per_second)

    def admit(request: Request, department: str) -> None:
        limit.check()
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), tokens[department].encode()):
            raise HTTPException(401, "the bearer token is missing or wrong")

    async def by_page(request: Request) -> JSONResponse:
        entity = request.path_params["entity"]
        admit(request, "service")
        if entity not in ("tickets", "messages"):
            raise HTTPException(404, f"there is no {entity}")
        found = await asyncio.to_thread(shelf.everything, "service", entity, _since(request, "updated_since"))
        page = max(int(request.query_params.get("page", 1)), 1)
        rows = _records(found.slice((page - 1) * PAGE_ROWS, PAGE_ROWS)) if found is not None else []
        pages = -(-found.num_rows // PAGE_ROWS) if found is not None else 0
        return JSONResponse({"data": rows, "page": page, "pages": pages})

    async def by_cursor(request: Request) -> JSONResponse:
        entity = request.path_params["entity"]
        admit(request, "marketing")
        if entity == "mailings":
            return JSONResponse({"items": mailings.mailing_list(seed, shelf.today()).to_pylist()})
        if entity not in ("sends", "responses"):
            raise HTTPException(404, f"there is no {entity}")
        return JSONResponse(await asyncio.to_thread(_page, shelf, entity, request))

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"today": shelf.today()})

    routes = [Route("/health", health), Route("/service/{entity}", by_page), Route("/marketing/{entity}", by_cursor)]
    return Starlette(routes=routes)


def _page(shelf: Shelf, entity: str, request: Request) -> dict:
    """One page by cursor: the day and the row where the next page begins."""
    since = _since(request, "since")
    day, _, start = request.query_params.get("cursor", "").partition("/")
    days = [path for path in shelf.days("marketing", entity, since) if path.stem >= day]
    offset = int(start or 0)
    for number, path in enumerate(days):
        rows = shelf.rows(path, entity, since)
        if rows.num_rows > offset:
            page = _records(rows.slice(offset, PAGE_ROWS))
            after = offset + len(page)
            is_last = after >= rows.num_rows and number == len(days) - 1
            following = f"{path.stem}/{after}" if after < rows.num_rows else _beginning(days, number)
            return {"items": page, "next": None if is_last else following}
        offset = 0
    return {"items": [], "next": None}


def _records(rows: pa.Table) -> list[dict]:
    """The rows as dictionaries: column by column in half the time of `to_pylist`."""
    columns = [column.to_pylist() for column in rows.columns]
    return [dict(zip(rows.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _beginning(days: list[Path], number: int) -> str | None:
    return f"{days[number + 1].stem}/0" if number + 1 < len(days) else None


def _since(request: Request, name: str) -> str:
    """Read "since" as the stored times are written: 2025-06-29T21:59:30Z."""
    text = request.query_params.get(name, "")
    if not text:
        return ""
    moment = catalogue.datetime_utc(text)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--company", type=Path, required=True, help="the folder of the company")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument("--seed", type=int, default=20250101, help="the seed of the company")
    parser.add_argument("--requests-per-second", type=int, default=REQUESTS_PER_SECOND, help="above it: 429")
    given = parser.parse_args()
    tokens = {name: os.environ[f"CX_{name.upper()}_API_TOKEN"] for name in ("service", "marketing")}
    app = application(given.company, tokens, given.seed, given.requests_per_second)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
