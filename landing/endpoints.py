"""Read an entity from a department's HTTP API, page by page, with dlt's REST client."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc
import requests

from landing import pulls
from landing.contracts import Contract, Entity
from landing.loader import import_dlt
from landing.pulls import SourceUnavailable, Window
from landing.readers import Content, Refused, content_of_columns
from landing.text import as_text, records_as_text
from runtime.secrets import department_variable
from runtime.settings import settings

# Per page, for 429 and 5xx answers and broken connections; waits 1, 2, 4, 8 seconds or as Retry-After says.
ATTEMPTS = 5
PAGES_AT_MOST = 100_000  # per entity and run: a cursor that leads back to itself would be followed for ever


def fetch_endpoint(contract: Contract, entity: Entity, window: Window) -> Iterator[Content]:
    """Read the records whose cursor lies in the window, in parts, each in the order of cursor and keys.

    Raises SourceUnavailable if the API does not answer, Refused if the list of records or a column is missing.
    """
    source_names = {column.name: column.source_names for column in entity.columns}
    names: dict[str, None] = {}
    waiting: list[dict] = []
    is_first = True
    for page in _ahead(_pages(contract, entity, window)):
        names |= dict.fromkeys(name for record in page for name in record)
        # APIs differ in whether "since" includes its value, so the window is applied here as well.
        cursor = source_names.get(entity.cursor)
        waiting += [record for record in page if not cursor or window.holds(entity, _told(record, cursor))]
        if entity.load == "append" and len(waiting) >= pulls.ROWS_AT_ONCE:
            yield _content(entity, waiting, names, source_names)
            waiting, is_first = [], False
    if waiting or is_first:
        yield _content(entity, waiting, names, source_names)


def _content(entity: Entity, records: list[dict], names: Iterable[str], source_names: dict[str, tuple]) -> Content:
    written = names if records else [column.source_name for column in entity.columns]
    table = records_as_text(records, written)
    order = [source_names[name] for name in ([entity.cursor] if entity.cursor else []) + [*entity.keys]]
    sorted_by = {str(number): _told_column(table, given) for number, given in enumerate(order)}
    if records and sorted_by:
        table = table.take(pc.sort_indices(pa.table(sorted_by), [(name, "ascending") for name in sorted_by]))
    return content_of_columns(entity, table)


def _told(record: dict, source_names: tuple[str, ...]) -> str | None:
    """The value of a column of the contract, under whichever of its names the record has it."""
    for name in source_names:
        if (value := record.get(name)) is not None:
            return as_text(value)
    return None


def _told_column(table: pa.Table, source_names: tuple[str, ...]) -> pa.ChunkedArray:
    """The same for all records, with an empty text for none."""
    given = [table[name] for name in source_names if name in table.column_names]
    return pc.coalesce(*given, "") if given else pa.chunked_array([pa.repeat("", table.num_rows)])


def _ahead(pages: Iterator[list[dict]]) -> Iterator[list[dict]]:
    """Ask for the next page while this one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, pages, None)
        while (page := following.result()) is not None:
            following = pool.submit(next, pages, None)
            yield page


def _pages(contract: Contract, entity: Entity, window: Window) -> Iterator[list[dict]]:
    """Ask for one page after the other."""
    client = _client(contract, entity)
    params = {}
    if entity.cursor_parameter and window.after is not None:
        params[entity.cursor_parameter] = as_text(window.after)
    try:
        pages = client.paginate(
            entity.endpoint, params=params, data_selector=entity.records, hooks={"response": [_holds_records(entity)]}
        )
        for number, page in enumerate(pages, 1):
            if number > PAGES_AT_MOST:
                raise SourceUnavailable(f"{contract.department}: {entity.endpoint}: more than {PAGES_AT_MOST} pages.")
            yield list(page)
    except (requests.RequestException, ValueError) as problem:
        answer = getattr(problem, "response", None)
        said = f"it answers {answer.status_code}" if answer is not None else type(problem).__name__
        raise SourceUnavailable(
            f"{contract.department}: the API in {contract.source.url_variable} cannot be read at "
            f"{entity.endpoint}: {said}."
        ) from None


def _holds_records(entity: Entity) -> Callable:
    """Make the check of an answer: without its list of records it would look like a day on which nothing happened."""

    def check(response: requests.Response, *_, **__) -> None:
        from dlt.common.jsonpath import find_values

        response.raise_for_status()
        answer = response.json()
        response.json = lambda **_: answer  # the client and its paginator would parse it again, each for itself
        if not any(isinstance(found, list) for found in find_values(entity.records, answer)):
            raise Refused(f"the answer holds no list of records at '{entity.records}' (key 'records' of the contract)")

    return check


def _client(contract: Contract, entity: Entity):
    """Make the client; its address and token come from the environment and are never written down."""
    source = contract.source
    url = department_variable(settings(), source.url_variable)
    token = department_variable(settings(), source.token_variable) if source.token_variable else None
    for variable, value in ((source.url_variable, url), (source.token_variable, token)):
        if variable and not value:
            raise SourceUnavailable(f"{contract.department}: set {variable} to reach the department's API.")
    import_dlt(settings().home / "dlt" / contract.department)
    from dlt.sources.helpers.requests import Client
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
    from dlt.sources.rest_api.config_setup import create_paginator

    return RESTClient(
        url,
        auth=BearerTokenAuth(token) if token else None,
        paginator=create_paginator(entity.paginator or "single_page"),
        session=Client(raise_for_status=False, request_max_attempts=ATTEMPTS).session,
    )
