"""What a data steward decides on who is one person: kept with who, why and from which day, and read by every later run.

A decision is about pairs of accounts and contacts; a card follows the contact that told it. Nothing is changed here but
`identity.steward_decisions` and `identity.steward_pairs`: the next build of the day, or of a later one, applies it.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import product

from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from runtime.warehouse import transaction

VERBS = ("split", "join")
DECIDED_ON = ("account", "contact")
KINDS = (*DECIDED_ON, "card")
CUSTOMER_ID = re.compile(r"\bc[0-9a-f]{16}\b")
SHOWN = 5  # entities that fit a message

Pair = tuple["Entity", "Entity"]

# The newest decision in force (date, then id) about a pair wins.
IN_FORCE = """
    select d.decision_id, d.verb, d.decided_date, p.left_kind, p.left_key, p.right_kind, p.right_key
    from identity.steward_decisions d join identity.steward_pairs p using (decision_id)
    where d.revoked_date is null
    order by d.decided_date desc, d.decision_id desc
"""
# The newest day that anything speaks of: of the gates, or of a run that changed a customer.
NEWEST_DAY = """
    select max(day) from (
        select max(as_of) as day from quality.department_status
        union all select max(greatest(valid_from, valid_until)) from identity.customer_history
        union all select max(first_known_date) from identity.entity_customers
    ) as days
"""


class StewardError(ValueError):
    """The decision or the question is not possible; the message says why and what to do."""


@dataclass(frozen=True, order=True)
class Entity:
    """An account, a contact or a card."""

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


@dataclass(frozen=True)
class Decision:
    """Who decides, why, and from which day it holds; `day` None is the newest day that the warehouse knows."""

    done_by: str
    reason: str
    day: date | None = None


@dataclass(frozen=True)
class Kept:
    """The decision as it stands in the table: its id, its day, its pairs, and whether it was written just now."""

    decision_id: int
    day: date
    pairs: tuple[Pair, ...]
    is_new: bool


def read_entity(written: str) -> Entity:
    """Read `account/A1`. Raises StewardError."""
    kind, slash, key = written.strip().partition("/")
    if kind not in KINDS or not slash or not key:
        raise StewardError(f"'{written}' names no entity. Write <kind>/<key>, kind one of: {', '.join(KINDS)}.")
    return Entity(kind, key)


def split(entities: Iterable[str], others: Iterable[str], decision: Decision) -> Kept:
    """Decide that `entities` are another person than `others`, all of one customer now. Raises StewardError.

    Without `others` these are all other accounts and contacts of the customer. The parts of a suspicious cluster may
    be split for good though they are published as several customers.
    """
    with _deciding(decision) as (cursor, day):
        one, other = _named(entities), _named(others)
        if not other and one:
            other = _rest_of_customer(cursor, one)
        pairs = _pairs(one, other)
        known = customers_of(cursor, [*one, *other])
        return _keep(cursor, "split", pairs, known, decision, day)


def join(entities: Iterable[str], others: Iterable[str], decision: Decision) -> Kept:
    """Decide that `entities` and `others` are one person, each pair two customers now. Raises StewardError."""
    with _deciding(decision) as (cursor, day):
        one, other = _named(entities), _named(others)
        pairs = _pairs(one, other)
        return _keep(cursor, "join", pairs, customers_of(cursor, [*one, *other]), decision, day)


def revoke(decision_id: int, decision: Decision) -> date:
    """Let a decision hold no longer, from a day on that is given back. Raises StewardError."""
    with _deciding(decision) as (cursor, day):
        cursor.execute(
            "select decided_date, revoked_date from identity.steward_decisions where decision_id = %s", (decision_id,)
        )
        found = cursor.fetchone()
        if found is None:
            raise StewardError(f"There is no decision {decision_id}. See: python -m ml.identity decisions")
        decided, revoked = found
        if revoked is not None:
            raise StewardError(f"{decision_id} was revoked already, from {revoked} on.")
        if day < decided:
            raise StewardError(f"{decision_id} holds from {decided} on; it cannot be revoked on {day}, before that.")
        _refuse_names(decision.reason, [])
        cursor.execute(
            "update identity.steward_decisions set revoked_date = %s, revoked_by = %s, revoked_reason = %s"
            " where decision_id = %s",
            (day, decision.done_by, decision.reason, decision_id),
        )
        return day


def list_decisions(is_all: bool = False) -> list[tuple]:
    """List (decision_id, verb, pairs as text, decided_date, decided_by, reason, revoked_date, revoked_by,
    revoked_reason), newest first; `is_all`: also the revoked ones."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            select d.decision_id, d.verb,
                string_agg(
                    p.left_kind || '/' || p.left_key || ' and ' || p.right_kind || '/' || p.right_key, ', '
                    order by p.left_kind, p.left_key, p.right_kind, p.right_key
                ),
                d.decided_date, d.decided_by, d.reason, d.revoked_date, d.revoked_by, d.revoked_reason
            from identity.steward_decisions d left join identity.steward_pairs p using (decision_id)
            where %s or d.revoked_date is null
            group by d.decision_id
            order by d.decided_date desc, d.decision_id desc
            """,
            (is_all,),
        )
        return cursor.fetchall()


def customers_of(cursor: Cursor, entities: Iterable[Entity]) -> dict[Entity, str]:
    """Give the customer of each entity. Raises StewardError for one that no run has seen."""
    wanted = list(entities)
    cursor.execute(
        "select entity_kind, source_key, customer_id from identity.entity_customers"
        " where (entity_kind, source_key) in (select * from unnest(%s::text[], %s::text[]))",
        ([entity.kind for entity in wanted], [entity.key for entity in wanted]),
    )
    found = {Entity(kind, key): customer for kind, key, customer in cursor.fetchall()}
    if missing := sorted(set(wanted) - set(found)):
        raise StewardError(
            f"No build has seen {_listed(missing)}: neither a tester nor staff is a customer, and what came today "
            "needs a build first."
        )
    return found


@contextmanager
def _deciding(decision: Decision) -> Iterator[tuple[Cursor, date]]:
    """Open the one transaction of a decision, one at a time; give its day."""
    if not decision.done_by.strip() or not decision.reason.strip():
        raise StewardError("Say who decides and why: both are kept.")
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('identity.steward_decisions', 5))")
        cursor.execute(NEWEST_DAY)
        day = decision.day or cursor.fetchone()[0]
        if day is None:
            raise StewardError("Nothing was built yet, so there is nobody to decide on.")
        yield cursor, day


def _named(written: Iterable[str]) -> list[Entity]:
    named = list(dict.fromkeys(map(read_entity, written)))
    if cards := [entity for entity in named if entity.kind not in DECIDED_ON]:
        raise StewardError(
            f"{_listed(cards)}: a card belongs to the contact that told it first. Decide on that contact."
        )
    return named


def _pairs(one: list[Entity], other: list[Entity]) -> tuple[Pair, ...]:
    if not one or not other:
        raise StewardError("Name at least one entity on either side.")
    if both := sorted(set(one) & set(other)):
        raise StewardError(f"{_listed(both)} stands on both sides.")
    return tuple(sorted(tuple(sorted(pair)) for pair in product(one, other)))


def _rest_of_customer(cursor: Cursor, entities: list[Entity]) -> list[Entity]:
    customers = sorted(set(customers_of(cursor, entities).values()))
    cursor.execute(
        "select entity_kind, source_key from identity.entity_customers where customer_id = any(%s)"
        " and entity_kind = any(%s) order by 1, 2",
        (customers, list(DECIDED_ON)),
    )
    rest = [found for found in (Entity(*row) for row in cursor.fetchall()) if found not in entities]
    if not rest:
        raise StewardError(f"{_listed(entities)} is a customer alone: there is nobody to split it from.")
    return rest


def _keep(
    cursor: Cursor, verb: str, pairs: tuple[Pair, ...], customers: dict[Entity, str], decision: Decision, day: date
) -> Kept:
    newest = _newest_decisions(cursor)
    if kept := _same_again(cursor, verb, pairs, newest):
        return kept
    for one, other in pairs:
        is_one = customers[one] == customers[other]
        if is_one != (verb == "split") and not (verb == "split" and _is_case(cursor, one, other)):
            said = f"one customer ({customers[one]})"
            if not is_one:
                said = f"two customers ({customers[one]}, {customers[other]})"
            raise StewardError(f"{one} and {other} are {said} already: there is nothing to {verb}.")
        held = newest.get((one, other))
        if held and held[1] != verb and held[2] > day:
            raise StewardError(
                f"Decision {held[0]} ({held[1]}, {held[2]}) about {one} and {other} would go before yours of {day}. "
                f"Take that day or a later one, or revoke it: python -m ml.identity revoke {held[0]}"
            )
    _refuse_names(decision.reason, [entity.key for entity in customers])
    cursor.execute(
        "insert into identity.steward_decisions (verb, reason, decided_by, decided_date)"
        " values (%s, %s, %s, %s) returning decision_id",
        (verb, decision.reason, decision.done_by, day),
    )
    decision_id = cursor.fetchone()[0]
    execute_values(
        cursor,
        "insert into identity.steward_pairs (decision_id, left_kind, left_key, right_kind, right_key) values %s",
        [(decision_id, one.kind, one.key, other.kind, other.key) for one, other in pairs],
    )
    return Kept(decision_id, day, pairs, True)


def _is_case(cursor: Cursor, one: Entity, other: Entity) -> bool:
    """Say whether two entities are in one suspicious cluster."""
    cursor.execute(
        """
        select exists (
            select from identity.person_suspicious s, identity.person_records l, identity.person_records r
            where (l.entity_kind, l.source_key) = (%s, %s) and (r.entity_kind, r.source_key) = (%s, %s)
                and position(l.record_id in s.members) > 0 and position(r.record_id in s.members) > 0
        )
        """,
        (one.kind, one.key, other.kind, other.key),
    )
    return cursor.fetchone()[0]


def _newest_decisions(cursor: Cursor) -> dict[Pair, tuple[int, str, date]]:
    """Give (decision_id, verb, decided_date) of the decision that holds for each pair."""
    cursor.execute(IN_FORCE)
    newest: dict[Pair, tuple[int, str, date]] = {}
    for decision_id, verb, day, *ends in cursor.fetchall():
        one, other = sorted((Entity(*ends[:2]), Entity(*ends[2:])))
        newest.setdefault((one, other), (decision_id, verb, day))
    return newest


def _same_again(cursor: Cursor, verb: str, pairs: tuple[Pair, ...], newest: dict) -> Kept | None:
    """Give the decision that says the same and holds for all pairs, so that a repeated task changes nothing."""
    held = {newest.get(pair) for pair in pairs}
    if len(held) != 1 or (same := held.pop()) is None or same[1] != verb:
        return None
    cursor.execute("select count(*) from identity.steward_pairs where decision_id = %s", (same[0],))
    return Kept(same[0], same[2], pairs, False) if cursor.fetchone()[0] == len(pairs) else None


def _refuse_names(reason: str, keys: list[str]) -> None:
    """A reason outlives the person: what names one in it could not be forgotten."""
    words = set(re.findall(r"[^\s,;:()]+", reason.rstrip(".")))
    if "@" in reason or CUSTOMER_ID.search(reason) or words & {*keys, *(f"{kind}/{k}" for kind in KINDS for k in keys)}:
        raise StewardError(
            "The reason is kept also when the person is forgotten: write no address, number or id of a person in it."
        )


def _listed(entities: list[Entity]) -> str:
    more = f" and {len(entities) - SHOWN} more" if len(entities) > SHOWN else ""
    return ", ".join(map(str, entities[:SHOWN])) + more
