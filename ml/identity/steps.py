"""What joins entities, step by step: deterministic rules, scores, decisions of stewards, cards and who told them."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection

from ml.identity.evidence import Part
from ml.identity.rules import CERTAIN
from ml.identity.steward import Entity


@dataclass(frozen=True)
class Step:
    """One step: its ends, by what (rule, score, steward, card), in words, its log2 odds, and for a score the two
    descriptions that were compared and the parts that add up to it."""

    left: Entity
    right: Entity
    by: str
    says: str
    weight: float
    records: tuple[str, str] | None = None
    parts: tuple[Part, ...] = ()

    @property
    def ends(self) -> tuple[Entity, Entity]:
        """Both ends, the smaller first."""
        return (self.left, self.right) if self.left <= self.right else (self.right, self.left)


def steps_between(connection: Connection, customers: Iterable[str]) -> list[Step]:
    """Give every step between entities of these customers: the best of each kind and pair."""
    chosen = {"customers": sorted(set(customers))}
    return [
        *scored_steps(connection, chosen),
        *decided_steps(connection, chosen),
        *card_steps(connection, chosen),
    ]


def scored_steps(connection: Connection, chosen: dict) -> list[Step]:
    """Give the edges: per pair of entities the best between their descriptions."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            with members as (
                select r.record_id, r.entity_kind, r.source_key
                from identity.person_records r
                join identity.entity_customers c using (entity_kind, source_key)
                where c.customer_id = any(%(customers)s)
            )
            select distinct on (least((l.entity_kind, l.source_key), (r.entity_kind, r.source_key)),
                    greatest((l.entity_kind, l.source_key), (r.entity_kind, r.source_key)))
                l.entity_kind, l.source_key, r.entity_kind, r.source_key, e.rule, e.weight, e.left_id, e.right_id
            from identity.person_edges e
            join members l on l.record_id = e.left_id
            join members r on r.record_id = e.right_id
            order by least((l.entity_kind, l.source_key), (r.entity_kind, r.source_key)),
                greatest((l.entity_kind, l.source_key), (r.entity_kind, r.source_key)), e.weight desc, 7, 8
            """,
            chosen,
        )
        return [
            Step(
                Entity(left_kind, left_key),
                Entity(right_kind, right_key),
                "rule" if rule else "score",
                f"rule, equal {rule}" if rule else "score",
                weight,
                tuple(records),
            )
            for left_kind, left_key, right_kind, right_key, rule, weight, *records in cursor.fetchall()
        ]


def decided_steps(connection: Connection, chosen: dict) -> list[Step]:
    """Give the joins of stewards that hold, the newest decision about each pair."""
    return [
        Step(left, right, "steward", f"joined by a steward, decision {number} of {day} by {by}: {reason}", CERTAIN)
        for left, right, verb, number, day, by, reason in decisions_between(connection, chosen)
        if verb == "join"
    ]


def decisions_between(connection: Connection, chosen: dict) -> list[tuple]:
    """Give (left, right, verb, decision_id, decided_date, decided_by, reason) of the decision that holds for each pair
    of entities of these customers."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct on (least(ends.one, ends.other), greatest(ends.one, ends.other))
                p.left_kind, p.left_key, p.right_kind, p.right_key,
                d.verb, d.decision_id, d.decided_date, d.decided_by, d.reason
            from identity.steward_decisions d
            join identity.steward_pairs p using (decision_id)
            cross join lateral (
                values (p.left_kind || '/' || p.left_key, p.right_kind || '/' || p.right_key)
            ) as ends (one, other)
            join identity.entity_customers l on (l.entity_kind, l.source_key) = (p.left_kind, p.left_key)
            join identity.entity_customers r on (r.entity_kind, r.source_key) = (p.right_kind, p.right_key)
            where d.revoked_date is null
                and l.customer_id = any(%(customers)s) and r.customer_id = any(%(customers)s)
            order by least(ends.one, ends.other), greatest(ends.one, ends.other),
                d.decided_date desc, d.decision_id desc
            """,
            chosen,
        )
        return [(Entity(*row[:2]), Entity(*row[2:4]), *row[4:]) for row in cursor.fetchall()]


def card_steps(connection: Connection, chosen: dict) -> list[Step]:
    """Give the cards and the contacts that told them first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select distinct on (r.card_key) r.card_key, r.source_key, r.known_date
            from identity.person_records r
            join identity.person_clusters using (record_id)
            join identity.entity_customers c on c.entity_kind = 'card' and c.source_key = r.card_key
            where r.entity_kind = 'contact' and c.customer_id = any(%(customers)s)
            order by r.card_key, r.known_date, r.source_key collate "C"
            """,
            chosen,
        )
        return [
            Step(
                Entity("card", card),
                Entity("contact", contact),
                "card",
                f"told first by this contact, on {day}",
                CERTAIN,
            )
            for card, contact, day in cursor.fetchall()
        ]
