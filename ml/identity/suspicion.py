"""What waits for a steward: suspicious clusters that were published in parts, and values that too many share."""

import json
from dataclasses import dataclass

from psycopg2 import sql

from ml.identity.masking import masked
from ml.identity.person_records import PersonRecords, load_person_records
from ml.identity.steward import Entity
from runtime.warehouse import transaction


@dataclass(frozen=True)
class Case:
    """A suspicious cluster: why ("bridge": its parts hang on one pair; "size": too many), its two parts, the strongest
    pair between them and its log2 odds, and the customers that the parts are now (one: a steward joined them)."""

    case_id: str
    reason: str
    parts: tuple[tuple[Entity, ...], tuple[Entity, ...]]
    pair: tuple[Entity, Entity]
    weight: float
    customers: tuple[str, ...]

    @property
    def to_do(self) -> str:
        """Say what a steward does about it."""
        left, right = self.pair
        if len(self.customers) == 1:
            return "joined by a steward: nothing to do"
        return (
            f"explain {left} {right}; if one person: join {left} --with {right}; "
            f"if not: split {left} --from {right}, and it is no case any more"
        )


@dataclass(frozen=True)
class Held:
    """A value that a rule does not merge, a key does not look at, or that is none: which, how many have it, masked."""

    by: str
    name: str
    records: int
    value: str


def list_cases() -> list[Case]:
    """List the suspicious clusters, those that are still in parts first, the strongest pair first."""
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute("select case_id, reason, left_id, right_id, weight, members from identity.person_suspicious")
        found = cursor.fetchall()
        named = sorted({record for *_, members in found for part in json.loads(members) for record in part})
        cursor.execute(
            """
            select r.record_id, r.entity_kind, r.source_key, c.customer_id
            from identity.person_records r
            join identity.entity_customers c using (entity_kind, source_key)
            where r.record_id = any(%s)
            """,
            (named,),
        )
        known = {record: (Entity(kind, key), customer) for record, kind, key, customer in cursor.fetchall()}
    cases = []
    for case_id, reason, left, right, weight, members in found:
        ids = [[record for record in part if record in known] for part in json.loads(members)]
        if left in known and right in known:  # who was erased since is gone from the list
            parts = tuple(tuple(sorted({known[record][0] for record in part})) for part in ids)
            customers = tuple(sorted({known[record][1] for part in ids for record in part}))
            cases.append(Case(case_id, reason, parts, (known[left][0], known[right][0]), weight, customers))
    return sorted(cases, key=lambda case: (len(case.customers) == 1, -case.weight, case.case_id))


def list_held(how: PersonRecords | None = None) -> list[Held]:
    """List the held values, those of rules first, the most shared first; values are masked."""
    columns = (how or load_person_records()).mapping.columns
    names = sorted({source for column in columns for source in column.sources})
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "select h.rule, h.key, h.records, {} from identity.person_held h"
                " join identity.person_records r using (record_id)"
            ).format(sql.SQL(", ").join(sql.SQL("r.{}::text").format(sql.Identifier(name)) for name in names))
        )
        found = cursor.fetchall()
    held = []
    for rule, key, records, *told in found:
        says = rule or key
        values = dict(zip(names, told, strict=True))
        spoken = set(says.replace(" and ", " + ").split(" + "))
        about = [column for column in columns if any(word.split(" (")[0] == column.name for word in spoken)]
        shown = ", ".join(f"{column.name} {masked(values[column.sources[0]])}" for column in about)
        held.append(Held("rule" if rule else "key", says, records, shown))
    return sorted(held, key=lambda value: (value.by != "rule", -value.records, value.name, value.value))
