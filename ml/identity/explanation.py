"""Why two entities are one customer, or are not: the path of evidence between them, or everything that stands between.

A step of the path is a deterministic rule, a score with its parts, a steward's decision, or a card and the contact that
told it. Shortest path first, then the one whose weakest step is strongest.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from ml.identity import evidence
from ml.identity.learned import Model
from ml.identity.person_records import PersonRecords, load_person_records
from ml.identity.reasons import reasons_against
from ml.identity.steps import Step, decisions_between, steps_between
from ml.identity.steward import Entity, customers_of, read_entity
from runtime.warehouse import transaction

# Where staging keeps what a department told about an entity: table, its key, and the columns that name the source row.
STAGING = {
    "account": (("staging.stg_shop__accounts", "account_id"),),
    "contact": (("staging.stg_crm__contacts", "contact_no"),),
    "card": (("staging.stg_crm__contacts", "card_key"), ("staging.stg_till__receipts", "card_key")),
}
ROWS_SHOWN = 5  # of each table and entity: a card has hundreds of receipts


@dataclass(frozen=True)
class SourceRow:
    """A row of staging that told something about an entity."""

    entity: Entity
    table: str
    batch_id: str
    source_row: int
    known_date: date


@dataclass
class Explanation:
    """The answer. `steps`: the path of one customer, or of two the strongest evidence there is; `against`: why they are
    two, or will be with the next build. `values`: per description what it says, by column. `threshold`: log2 odds that
    are enough."""

    entities: tuple[Entity, Entity]
    customers: tuple[str, str]
    threshold: float
    steps: list[Step] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    rows: list[SourceRow] = field(default_factory=list)
    values: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def is_one(self) -> bool:
        """Whether the two are one customer."""
        return self.customers[0] == self.customers[1]


def explain(one: str, other: str, how: PersonRecords | None = None) -> Explanation:
    """Explain two entities ("account/A1") as the last run left them; `how`: the rules in force. Raises StewardError."""
    how = how or load_person_records()
    ends = read_entity(one), read_entity(other)
    with transaction() as connection, connection.cursor() as cursor:
        known = customers_of(cursor, ends)
        found = Explanation(ends, (known[ends[0]], known[ends[1]]), how.threshold)
        steps = steps_between(connection, found.customers)
        model = evidence.model_in_use(connection, how)
        if found.is_one:
            found.steps = path(ends, [step for step in steps if step.weight >= how.threshold])
            found.against = splits_to_come(connection, found.customers[0])
        else:
            found.steps, found.against = reasons_against(connection, ends, steps, how, model)
        found.steps = with_parts(connection, found.steps, how, model)
        found.values = values_of(connection, [record for step in found.steps for record in step.records or ()], how)
        named = dict.fromkeys([ends[0], *(end for step in found.steps for end in (step.left, step.right)), ends[1]])
        found.rows = [row for entity in named for row in source_rows(connection, entity)]
    return found


def splits_to_come(connection: Connection, customer: str) -> list[str]:
    """Say which splits of a customer were decided and not yet built."""
    return [
        f"Decision {number} of {day} by {by} splits {left} and {right} ({reason}): the next build applies it."
        for left, right, verb, number, day, by, reason in decisions_between(connection, {"customers": [customer]})
        if verb == "split"
    ]


def path(ends: tuple[Entity, Entity], steps: Iterable[Step]) -> list[Step]:
    """Give the fewest steps from one end to the other, of these those whose weakest is strongest."""
    near: dict[Entity, list[tuple[Entity, Step]]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: (-step.weight, step.ends)):
        near[step.left].append((step.right, step))
        near[step.right].append((step.left, step))
    heap = [(0, -float("inf"), ends[0])]
    came: dict[Entity, tuple[tuple[int, float], Entity | None, Step | None]] = {
        ends[0]: ((0, -float("inf")), None, None)
    }
    while heap:
        count, weakest, place = heapq.heappop(heap)
        if place == ends[1]:
            break
        for following, step in near[place]:
            cost = (count + 1, max(weakest, -step.weight))
            if following not in came or cost < came[following][0]:
                came[following] = (cost, place, step)
                heapq.heappush(heap, (*cost, following))
    walked: list[Step] = []
    place = ends[1]
    while place in came and came[place][2] is not None:
        _, before, step = came[place]
        walked.append(step if step.right == place else turned(step))
        place = before
    return walked[::-1]


def turned(step: Step) -> Step:
    """Read a step from its other end."""
    records = step.records and (step.records[1], step.records[0])
    return replace(step, left=step.right, right=step.left, records=records)


def with_parts(connection: Connection, steps: list[Step], how: PersonRecords, model: Model) -> list[Step]:
    """Add to each scored step what its score is made of."""
    pairs = [step.records for step in steps if step.by == "score" and step.records]
    found = evidence.break_down(connection, pairs, how, model)
    return [replace(step, parts=tuple(found.get(step.records, ()))) for step in steps]


def values_of(connection: Connection, record_ids: list[str], how: PersonRecords) -> dict[str, dict[str, str | None]]:
    """Give what each description says, by column of the mapping's sources."""
    names = sorted(how.mapping.sources)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select record_id, {} from identity.person_records where record_id = any(%s)").format(
                sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names)
            ),
            (record_ids,),
        )
        return {record_id: dict(zip(names, told, strict=True)) for record_id, *told in cursor.fetchall()}


def source_rows(connection: Connection, entity: Entity) -> list[SourceRow]:
    """Give the newest rows of staging that told something about an entity."""
    found: list[SourceRow] = []
    with connection.cursor() as cursor:
        for table, key in STAGING[entity.kind]:
            cursor.execute("select to_regclass(%s) is not null", (table,))
            if cursor.fetchone()[0]:
                cursor.execute(
                    sql.SQL(
                        "select batch_id, source_row, known_date from {} where {}::text = %s"
                        " order by known_date desc, batch_id desc, source_row desc limit %s"
                    ).format(sql.Identifier(*table.split(".")), sql.Identifier(key)),
                    (entity.key, ROWS_SHOWN),
                )
                found += [SourceRow(entity, table, *row) for row in cursor.fetchall()]
    return found
