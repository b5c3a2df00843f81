"""The channels of the company: they carry out in the morning what was published the evening before."""

from collections.abc import Iterable

import numpy as np

from simulator.nordhaus import effects
from simulator.nordhaus.ids import Numbers

# What a channel has to find somebody by, the best first: who has an account is addressed there.
KEY_KINDS = ("account", "contact", "card", "install")
CONTACTS_OF_A_PERSON = 4


def whom_they_reach(
    seed: int, people: int, published: Iterable[tuple[str, str, str, str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the persons that published actions reach, and the action of each (index into effects.NAMES).

    `published` holds rows of (customer_id, action_id, key_kind, source_key): all keys of a customer, of which the best
    one counts. A key that belongs to nobody reaches nobody; whoever two customers lead to gets the first action only.
    """
    best: dict[str, tuple[int, str, str]] = {}
    for customer, action, kind, key in published:
        if kind in KEY_KINDS and action in effects.NAMES:
            found = (KEY_KINDS.index(kind), key, action)
            best[customer] = min(best.get(customer, found), found)
    owners = {number: _owners(seed, people, KEY_KINDS[number]) for number in {number for number, _, _ in best.values()}}
    reached: dict[int, int] = {}
    for _, (number, key, action) in sorted(best.items()):
        person = owners[number].get(key)
        if person is not None:
            reached.setdefault(person, effects.NAMES.index(action))
    person = np.array(sorted(reached), dtype=np.int64)
    return person, np.array([reached[one] for one in person.tolist()], dtype=np.int64)


def _owners(seed: int, people: int, kind: str) -> dict[str, int]:
    """The person behind each key of a kind."""
    numbers, everybody = Numbers(seed), np.arange(people)
    if kind == "contact":
        each = [numbers.contact_no(everybody, k) for k in range(CONTACTS_OF_A_PERSON)]
        return {str(key): person for keys in each for person, key in enumerate(keys)}
    keys = {"account": numbers.account_id, "card": numbers.card_no, "install": numbers.install_id}[kind](everybody)
    return {str(key): person for person, key in enumerate(keys)}
