"""Mautic's contacts: POST /contacts/new, PATCH /contacts/ID/edit, DELETE /contacts/ID/delete (Mautic REST API).

A customer is a contact whose field `cx_customer_id` is a unique identifier there: Mautic then merges a contact that is
created again into the one that exists, so that a lost answer makes no second contact.
"""

from collections.abc import Iterator, Sequence

from activation.destinations.change import REMOVE, Answer, Change
from activation.destinations.configured import Destination
from activation.destinations.http_calls import Api

UNIQUE_FIELD = "cx_customer_id"
# Names of fields that Mautic has itself; every other of ours is a field of its own there, with a prefix.
OF_MAUTIC = {"email", "firstname", "lastname", "phone", "mobile", "city", "zipcode"}


class Mautic:
    """Keeps one contact per customer; Mautic's id of it comes back with the answer."""

    at_once = 50

    def __init__(self, destination: Destination) -> None:
        self.api = Api(destination)

    def send(self, changes: Sequence[Change]) -> Iterator[Answer]:
        """Send one after the other."""
        for change in changes:
            yield self._remove(change) if change.kind == REMOVE else self._say(change)

    def _say(self, change: Change) -> Answer:
        """Update the contact; create it if there is none, or none any more."""
        # Without overwriteWithBlank Mautic keeps the old value of a field that became empty.
        body = {UNIQUE_FIELD: change.customer_id, "overwriteWithBlank": True}
        body |= {_field(name): "" if value is None else value for name, value in change.content.items()}
        answer = None
        if change.destination_id:
            answer = self.api.call("PATCH", f"/api/contacts/{change.destination_id}/edit", change.key, body)
        if answer is None or answer.status_code == 404:
            answer = self.api.call("POST", "/api/contacts/new", f"{change.key}-new", body)
        if answer.status_code not in (200, 201):
            return Answer(change.number, False, f"HTTP {answer.status_code}")
        try:
            contact = str(answer.json()["contact"]["id"])
        except (ValueError, KeyError, TypeError):
            return Answer(change.number, False, f"HTTP {answer.status_code} without contact.id")
        return Answer(change.number, True, f"HTTP {answer.status_code}", contact)

    def _remove(self, change: Change) -> Answer:
        contact = change.destination_id or self._made_by_lost_answer(change)
        if contact is None:
            return Answer(change.number, True, "there is no such contact")
        status = self.api.call("DELETE", f"/api/contacts/{contact}/delete", change.key).status_code
        return Answer(change.number, status in (200, 404), f"HTTP {status}", contact)

    def _made_by_lost_answer(self, change: Change) -> str | None:
        """Find the contact that a creation may have made whose answer never came."""
        answer = self.api.call("GET", f"/api/contacts?search={UNIQUE_FIELD}:{change.customer_id}&limit=1", change.key)
        found = answer.json().get("contacts") if answer.status_code == 200 else None
        return next(iter(found)) if found else None


def _field(name: str) -> str:
    return name if name in OF_MAUTIC else f"cx_{name}"
