"""Why two customers are two: what forbids it, what was held, and how far the evidence goes."""

import json
from collections import defaultdict

from psycopg2.extensions import connection as Connection

from ml.identity import evidence, pairs
from ml.identity.learned import Model
from ml.identity.partition import ABSENT, CLIP
from ml.identity.person_records import PersonRecords
from ml.identity.steps import Step, decisions_between
from ml.identity.steward import Entity, customers_of

# Descriptions of two customers, and what of either is a member of the linkage.
MEMBERS = """
    select r.record_id, r.entity_kind, r.source_key, c.customer_id
    from identity.person_records r
    join identity.person_clusters using (record_id)
    join identity.entity_customers c using (entity_kind, source_key)
    where c.customer_id = any(%(customers)s)
"""


def reasons_against(
    connection: Connection, ends: tuple[Entity, Entity], steps: list[Step], how: PersonRecords, model: Model
) -> tuple[list[Step], list[str]]:
    """Give the strongest evidence between the customers of two entities as steps, and in words why it did not make
    them one. `steps`: everything between entities of the two customers."""
    with connection.cursor() as cursor:
        known = customers_of(cursor, ends)
        customers = known[ends[0]], known[ends[1]]
        chosen = {"customers": sorted(customers)}
        cursor.execute(MEMBERS, chosen)
        members = cursor.fetchall()
    owner = {Entity(kind, key): customer for _, kind, key, customer in members}
    across = sorted(
        (step for step in steps if owner.get(step.left) != owner.get(step.right) and step.by in ("rule", "score")),
        key=lambda step: (-step.weight, step.ends),
    )
    words = [
        *cards(ends, steps),
        *decided(connection, chosen, owner),
        *birth_dates(connection, chosen),
        *cases(connection, {record: customer for record, _, _, customer in members}),
        *held(connection, members, how, model),
    ]
    sizes = [sum(customer == one for customer in owner.values()) for one in customers]
    shown = across[:1] or not_looked_at(connection, ends, how, model)
    return shown, [*words, *strength(across, sizes[0] * sizes[1], how.threshold, bool(words))]


def not_looked_at(connection: Connection, ends: tuple[Entity, Entity], how: PersonRecords, model: Model) -> list[Step]:
    """Score the newest descriptions of two entities that no key and no rule brought together."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            select distinct on (r.entity_id) r.entity_id, r.record_id from ({evidence.LINKED}) r
            where r.entity_id = any(%s) order by r.entity_id, r.known_date desc, r.record_id desc
            """,
            ([str(end) for end in ends],),
        )
        newest = dict(cursor.fetchall())
    if len(newest) < 2:
        return []
    records = newest[str(ends[0])], newest[str(ends[1])]
    parts = evidence.break_down(connection, [records], how, model).get(records, ())
    return (
        [Step(*ends, "score", "score, though no key brought them together", sum(part.bits for part in parts), records)]
        if parts
        else []
    )


def cards(ends: tuple[Entity, Entity], steps: list[Step]) -> list[str]:
    """Say whose a card is."""
    said = []
    for entity in ends:
        if entity.kind == "card":
            told = [step for step in steps if step.by == "card" and step.left == entity]
            said += [f"{entity} belongs to {step.right}: {step.says}. Ask for that contact." for step in told]
            said += [] if told else [f"{entity} was told by no contact, so it is a customer of its own."]
    return said


def decided(connection: Connection, chosen: dict, owner: dict[Entity, str]) -> list[str]:
    """Say which decisions keep them apart, and which join did not hold."""
    said = []
    for left, right, verb, number, day, by, reason in decisions_between(connection, chosen):
        if owner.get(left) != owner.get(right):
            kept = f"decision {number} of {day} by {by}: {reason}"
            said.append(
                f"Forbidden: {left} and {right} were split by a steward ({kept})."
                if verb == "split"
                else f"{left} and {right} were joined by a steward ({kept}); the next build applies it, unless a later "
                "split or two verified birth dates forbid it."
            )
    return said


def birth_dates(connection: Connection, chosen: dict) -> list[str]:
    """Say whether two verified birth dates forbid it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            with members as ({MEMBERS}),

            newest as (
                select distinct on (r.entity_id) r.entity_id, m.customer_id, r.birth_date
                from identity.person_records r join members m using (record_id)
                where r.is_birth_date_verified and r.birth_date is not null
                order by r.entity_id, r.known_date desc, r.record_id desc
            )

            select l.entity_id, r.entity_id from newest l join newest r on l.customer_id < r.customer_id
            where l.birth_date <> r.birth_date order by 1, 2 limit 1
            """,
            chosen,
        )
        return [
            f"Forbidden: {left} and {right} have two different verified birth dates; these are never one person."
            for left, right in cursor.fetchall()
        ]


def cases(connection: Connection, customer_of: dict[str, str]) -> list[str]:
    """Say whether they are parts of one suspicious cluster."""
    with connection.cursor() as cursor:
        cursor.execute("select case_id, reason, weight, members from identity.person_suspicious order by case_id")
        said = []
        for case_id, reason, weight, written in cursor.fetchall():
            sides = [{customer_of.get(record) for record in part} - {None} for part in json.loads(written)]
            if len(sides) == 2 and sides[0] and sides[1] and len(sides[0] | sides[1]) > 1:
                why = "it is too large" if reason == "size" else f"its parts hang on one pair, worth {weight:+.1f}"
                said.append(
                    f"Suspicious: they were one cluster, published in parts because {why}; "
                    f"see case {case_id[:8]} in `cases`."
                )
        return said


def held(connection: Connection, members: list[tuple], how: PersonRecords, model: Model) -> list[str]:
    """Say which values they share that a rule or a key holds back because too many have them."""
    with connection.cursor() as cursor:
        cursor.execute("select record_id, records, rule, key from identity.person_held")
        values = cursor.fetchall()
    if not values:
        return []
    lines = pairs.lines_of(model, how.mapping)
    columns = {(line.says, line.is_rule): line.column for line in lines}
    ids = sorted({record for record, *_ in members} | {record for record, *_ in values})
    with evidence.prepared(connection, ids, how) as local:
        pairs.make_tables(local, lines)
        pairs.share(local, lines)
        names = [line.column for line in lines]
        rows = local.execute(f"select record_id, {', '.join(names)} from shared join records using (record)").fetchall()
    hashes = {record: dict(zip(names, said, strict=True)) for record, *said in rows}
    owners: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record, _, _, customer in members:
        for name, value in hashes.get(record, {}).items():
            if value is not None:
                owners[name][value].add(customer)
    said = []
    for record, records, rule, key in values:
        column = columns.get((rule or key, rule is not None))
        value = hashes.get(record, {}).get(column)
        if value is not None and len(owners[column][value]) > 1:
            what = f"the rule {rule} does not merge" if rule else f"the key {key} does not look at"
            said.append(f"Held: they share a value that {what}, because {records} have it; see `held`.")
    return sorted(set(said))


def strength(across: list[Step], possible: int, threshold: float, is_explained: bool) -> list[str]:
    """Say how far the evidence goes; `possible`: pairs of an entity of one and an entity of the other."""
    enough = f"{threshold:.1f} are enough"
    if not across:
        return [f"No path: no rule says so, and no key found a pair of theirs that is worth {ABSENT:+.0f} ({enough})."]
    best = across[0]
    said = f"the best pair, {best.left} and {best.right}, is worth {best.weight:+.1f}"
    if best.weight < threshold:
        return [f"Below the threshold: {said}; {enough}."]
    total = sum(max(-CLIP, min(CLIP, step.weight)) for step in across) + ABSENT * (possible - len(across))
    if total / possible < threshold:
        return [
            f"Below the threshold: {said}, but all {possible} pairs of their accounts and contacts only "
            f"{total / possible:+.1f} on average; {enough}."
        ]
    return [] if is_explained else [f"The evidence is enough ({said}): the next build makes them one."]
