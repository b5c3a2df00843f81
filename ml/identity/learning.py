"""Which model links the person records of a day: a function of the records known by then, not of the runs before.

Learning days are the first days on which `learn_from`, twice, four times ... as many descriptions were known. The
model of a day was learned from all that was known by the newest learning day up to it. It is kept in
`identity.models`; if by now more is known of its learning day (a file of the past came late), it is learned anew.
What was erased since then does not unlearn it.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date

import psycopg2
from psycopg2 import sql

from ml.identity import cache, store
from ml.identity.build import Plan, learn_model, prepare
from ml.identity.comparisons import comparisons, groups
from ml.identity.learned import FORMAT, Model, untaught
from ml.identity.mapping import Mapping
from ml.identity.person_records import PersonRecords
from runtime.warehouse import read_table

# The descriptions that are linked: cards say nothing of a person.
KNOWN = "from identity.person_records where entity_kind in ('account', 'contact') and known_date <= {}"
# The first day on which so many were known, and how many these were.
FIRST_DAY = f"""
    select known_date, records::bigint from (
        select known_date, sum(count(*)) over (order by known_date) as records {KNOWN} group by known_date
    ) as days
    where records >= %s order by known_date limit 1
"""


@dataclass(frozen=True)
class Learned:
    """A model and the day from whose records it was learned; None: too few are known, only the rules decide."""

    model: Model
    day: date | None


def model_of(
    connection: psycopg2.extensions.connection, as_of: date, how: PersonRecords, is_kept: bool = True
) -> Learned:
    """Look the model of `as_of` up or learn it; `is_kept`: write what was learned to `identity.models`."""
    named = signature(how.mapping)
    found = learning_day(connection, as_of, how.learn_from)
    if found is None:
        return Learned(untaught(how.mapping), None)
    day, records = found
    with connection.cursor() as cursor:
        cursor.execute(
            "select content from identity.models where signature = %s and learned_date = %s and records >= %s",
            (named, day, records),
        )
        kept = cursor.fetchone()
        if kept is not None:
            return Learned(Model.from_bytes(bytes(kept[0])), day)
        model = learn(connection, day, how.mapping)
        if is_kept:
            cursor.execute(
                """insert into identity.models values (%s, %s, %s, %s, %s)
                on conflict (signature, learned_date) do update
                set records = excluded.records, model_id = excluded.model_id, content = excluded.content""",
                (named, day, records, model.id, psycopg2.Binary(model.to_bytes())),
            )
    return Learned(model, day)


def learning_day(connection: psycopg2.extensions.connection, as_of: date, learn_from: int) -> tuple[date, int] | None:
    """Give the newest learning day up to `as_of` and how many descriptions were known then."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(f"select count(*) {KNOWN}").format(sql.Literal(as_of)))
        (known,) = cursor.fetchone()
        if known < learn_from:
            return None
        doubled = (known // learn_from).bit_length() - 1
        cursor.execute(sql.SQL(FIRST_DAY).format(sql.Literal(as_of)), (learn_from * 2**doubled,))
        return cursor.fetchone()


def learn(connection: psycopg2.extensions.connection, day: date, mapping: Mapping) -> Model:
    """Learn a model from the descriptions known by `day`, and from nothing else."""
    plan = Plan(mapping, entity="entity_id")
    known = sql.SQL(f"select * {KNOWN}").format(sql.Literal(day))
    with cache.new(None) as local:
        local.register("handed_over", read_table(connection, store.wanted(connection, known, plan)))
        prepare(local, "handed_over", plan, "records")
        return learn_model(local, plan)


def signature(mapping: Mapping) -> str:
    """Name what a model depends on beside its records. Rules, threshold and constraints are not among it."""
    said = {
        "columns": [[column.name, column.kind, column.sources, column.format] for column in mapping.columns],
        "levels": [len(groups(each)) for each in comparisons(mapping)],
        "format": FORMAT,
    }
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]
