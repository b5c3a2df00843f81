"""A REST endpoint that takes each change as a POST."""

from collections.abc import Iterator, Sequence

from activation.destinations.change import REMOVE, Answer, Change
from activation.destinations.configured import Destination
from activation.destinations.http_calls import Api

GONE = (404, 410)


class Webhook:
    """POSTs `{destination, kind, customer_id, as_of, content}` with the change's key in the header Idempotency-Key."""

    at_once = 50  # answers are kept after so many: a crash sends at most these again, with the same keys

    def __init__(self, destination: Destination) -> None:
        self.name = destination.name
        self.api = Api(destination)

    def send(self, changes: Sequence[Change]) -> Iterator[Answer]:
        """Send one after the other."""
        for change in changes:
            body = {
                "destination": self.name,
                "kind": change.kind,
                "customer_id": change.customer_id,
                "as_of": change.as_of.isoformat(),
                "content": change.content,
            }
            status = self.api.call("POST", "", change.key, body).status_code
            is_gone = change.kind == REMOVE and status in GONE
            yield Answer(change.number, 200 <= status < 300 or is_gone, f"HTTP {status}")
