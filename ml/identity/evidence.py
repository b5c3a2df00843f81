"""What a score is made of: per comparison the level, and what it adds to the log2 odds that a pair is one person.

The parts add up to the weight of the edge: the odds before anything is compared, each comparison as if both were one
person at one place or strangers, and what the other two explanations (moved; a household) change (`model.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import log2

import duckdb
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from ml.identity import cache, learning, store, vectors
from ml.identity.build import Plan, prepare
from ml.identity.comparisons import comparisons
from ml.identity.learned import Model, untaught
from ml.identity.mapping import Mapping
from ml.identity.person_records import PersonRecords
from runtime.warehouse import read_table

# What is linked: the descriptions that the last run knew.
LINKED = "select r.* from identity.person_records r join identity.person_clusters c using (record_id)"


@dataclass(frozen=True)
class Part:
    """One part of a score: what was compared, how alike it is, and the log2 odds that this adds."""

    column: str
    level: str
    bits: float
    sources: tuple[str, ...] = ()


def plan_of(how: PersonRecords) -> Plan:
    """Give the plan by which `resolve` links person records."""
    return Plan(how.mapping, entity="entity_id", threshold=how.threshold, functional="verified_birth_date")


def model_in_use(connection: Connection, how: PersonRecords) -> Model:
    """Give the model that the edges in the warehouse were scored with; where none was, the one that says nothing.

    Another version of the code leaves no trace of it: then it is the newest.
    """
    with connection.cursor() as cursor:
        cursor.execute("select signature from identity.person_state")
        state = cursor.fetchone()
        cursor.execute(
            "select content from identity.models where signature = %s order by learned_date desc",
            (learning.signature(how.mapping),),
        )
        models = [Model.from_bytes(bytes(content)) for (content,) in cursor.fetchall()]
    known = [untaught(how.mapping), *models]
    plan = plan_of(how)
    of_state = [model for model in known if state and cache.signature(model, plan) == state[0]]
    return (of_state or models or known)[0]


@contextmanager
def prepared(
    connection: Connection, record_ids: Sequence[str], how: PersonRecords
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database in memory with the table `records`, prepared as for linking, of these descriptions."""
    plan = Plan(how.mapping, entity="entity_id")
    chosen = sql.SQL(LINKED + " where record_id = any({})").format(sql.Literal(list(record_ids)))
    with cache.new(None) as local:
        local.register("given", read_table(connection, store.wanted(connection, chosen, plan)))
        prepare(local, "given", plan, "records")
        yield local


def break_down(
    connection: Connection, pairs: Sequence[tuple[str, str]], how: PersonRecords, model: Model
) -> dict[tuple[str, str], list[Part]]:
    """Give the parts of the score of each pair of descriptions (record ids). Empty where the model knows nothing."""
    if not pairs or not model.keys:
        return {}
    mapping = how.mapping
    with prepared(connection, sorted({record for pair in pairs for record in pair}), how) as local:
        local.execute("create temp table asked (l varchar, r varchar)")
        local.executemany("insert into asked values (?, ?)", [list(pair) for pair in pairs])
        local.execute(
            """create temp table asked_pairs as select a.record as l, b.record as r from asked
            join records a on a.record_id = asked.l join records b on b.record_id = asked.r"""
        )
        names = [comparison["output_column_name"] for comparison in comparisons(mapping)]
        found = vectors.weighed(local, "asked_pairs", mapping, model, parts_asked(mapping, model))
        rows = local.execute(
            f"""select a.record_id, b.record_id, {", ".join(f"gamma_{name}, bits_{name}" for name in names)},
                here, moved, together
            from {found} f join records a on a.record = f.record_l join records b on b.record = f.record_r"""
        ).fetchall()
    return {(left, right): list(parts_of(mapping, model, said)) for left, right, *said in rows}


def parts_asked(mapping: Mapping, model: Model) -> str:
    """Give the SQL of what Splink found out, by comparison, and of the three hypotheses."""
    here, moved, together = vectors.hypotheses(mapping, model.parameters)
    columns = ""
    for comparison in comparisons(mapping):
        name = comparison["output_column_name"]
        rarity = f" + mw_tf_adj_{name}" if vectors.has_rarity(comparison) else ""
        columns += f"gamma_{name}, mw_{name}{rarity} as bits_{name}, "
    return (
        f"select record_l, record_r, {columns}{here} as here, {moved} as moved, {together} as together "
        "from __splink__df_match_weight_parts"
    )


def parts_of(mapping: Mapping, model: Model, said: Sequence[float]) -> Iterator[Part]:
    """Turn what Splink found out into parts."""
    parameters = model.parameters
    strangers = 1 - parameters.prior - parameters.together
    yield Part("before any evidence", "two records at random", log2(parameters.same / strangers))
    for comparison, level, bits in zip(comparisons(mapping), said[:-3:2], said[1:-3:2], strict=True):
        compared = [mapping.columns[int(comparison["output_column_name"][1:])]]
        if compared[0].kind == "postcode":  # one comparison with the town
            compared += mapping.of_kind("town")[:1]
        levels = comparison["comparison_levels"]
        label = levels[0 if level < 0 else len(levels) - 1 - level]["label_for_charts"]
        sources = tuple(source for column in compared for source in column.sources)
        yield Part(", ".join(column.name for column in compared), label, bits, sources)
    here, moved, together = said[-3:]
    yield Part("perhaps one who moved", "the place says nothing then", log2((here + moved) / here))
    yield Part("perhaps a household", "alike, and yet two people", -log2((strangers + together) / strangers))
