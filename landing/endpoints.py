"""Read an entity from a department's HTTP API, page by page, with dlt's REST client."""


import requests

from landing.contracts import Contract, Entity
from landing.loader import import_dlt
from landing.pulls import SourceUnavailable, Window
from landing.readers import Content, content_of_records
from landing.text import as_text
from runtime.secrets import department_variable
from runtime.settings import settings

ATTEMPTS = (
    5  # per page, for 429 and 5xx answers and broken connections; waits 1, 2, 4, 8 seconds or as Retry-After says
)


def fetch_endpoint(contract: Contract, entity: Entity, window: Window) -> Content:
    """Read the records whose cursor lies in the window, in the order of cursor and keys.

    Raises SourceUnavailable if the API does not answer, Refused if a column is missing.
    """
    client = _client(contract, entity)
    params = {}
    if entity.cursor_parameter and window.after is not None:
        params[entity.cursor_parameter] = as_text(window.after)
    try:
        pages = client.paginate(entity.endpoint, params=params, data_selector=entity.records)
        records = [record for page in pages for record in page]
    except (requests.RequestException, ValueError) as problem:
        answer = getattr(problem, "response", None)
        said = f"it answers {answer.status_code}" if answer is not None else type(problem).__name__
        raise SourceUnavailable(
            f"{contract.department}: the API in {contract.source.url_variable} cannot be read at "
            f"{entity.endpoint}: {said}."
        ) from None
    source_names = {column.name: column.source_name for column in entity.columns}
    if entity.cursor:
        # APIs differ in whether "since" includes its value, so the window is applied here as well.
        cursor = source_names[entity.cursor]
        records = [record for record in records if window.holds(entity, as_text(record.get(cursor)))]
    order = [source_names[name] for name in ([entity.cursor] if entity.cursor else []) + [*entity.keys]]
    records.sort(key=lambda record: [as_text(record.get(name)) or "" for name in order])
    names = dict.fromkeys(name for record in records for name in record)
    return content_of_records(entity, records, names)


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
