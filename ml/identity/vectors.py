"""Pairs, their comparison vectors and their scores, worked out by Splink on DuckDB."""

import duckdb
import numpy as np
from splink import DuckDBAPI, Linker, SettingsCreator

from ml.identity.blocking import Key
from ml.identity.comparisons import comparisons, for_splink
from ml.identity.mapping import Mapping
from ml.identity.model import RELATIVES, Model

AT_A_TIME = 4_000_000  # pairs whose factors are held at once, some 200 bytes each
RARITY_PRIOR = 10.0  # records that the average value's frequency is worth when a value's own frequency is estimated


def make_linker(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    mapping: Mapping,
    keys: list[Key],
    across: bool,
    model: Model | None,
) -> Linker:
    """Set Splink up for a prepared table; `across`: only records of different `source_dataset` are compared.

    Without a model it can compare, with one it can score (and explain: `linker.visualisations`).
    """
    other = " and l.source_dataset <> r.source_dataset" if across else ""
    compared = comparisons(mapping)
    prior = {}
    if model is not None:
        prior = {"probability_two_random_records_match": model.prior}
        for comparison, m, u in zip(compared, model.m, model.u, strict=True):
            for level, pm, pu in zip(comparison["comparison_levels"][1:], m[::-1], u[::-1], strict=True):
                level |= {"m_probability": float(pm), "u_probability": float(pu)}
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        comparisons=[for_splink(comparison) for comparison in compared],
        blocking_rules_to_generate_predictions=[
            {"blocking_rule": f"l.{key.column} = r.{key.column}{other}"} for key in keys
        ],
        retain_matching_columns=True,  # Splink drops the levels without
        retain_intermediate_calculation_columns=model is not None,
        **prior,
    )
    database = DuckDBAPI(connection=connection)
    linker = Linker(database.register(table), settings, log_level=None)
    if model is not None:
        register_rarity(connection, database, linker, table, mapping, model)
    return linker


def register_rarity(connection, database, linker: Linker, table: str, mapping: Mapping, model: Model) -> None:
    """Tell Splink how frequent each value is, apart from the two records that are compared.

    Counting the pair itself would make every value of a small table look common; a value that only the pair has is
    as rare as `RARITY_PRIOR` says.
    """
    for comparison, u in zip(comparisons(mapping), model.u, strict=True):
        levels = comparison["comparison_levels"][1:]
        usual = {
            level["tf_adjustment_column"]: chance
            for level, chance in reversed(list(zip(levels, u[::-1], strict=True)))
            if "tf_adjustment_column" in level
        }
        for name, chance in usual.items():
            connection.execute(
                f"""create or replace table rarity_{name} as
                select {name}, (greatest(count(*) - 2, 0) + {RARITY_PRIOR * chance})
                    / (sum(count(*)) over () + {RARITY_PRIOR}) as tf_{name}
                from {table} where {name} is not null group by {name}"""
            )
            linker.table_management.register_term_frequency_lookup(database.register(f"rarity_{name}"), name)


def block(connection: duckdb.DuckDBPyConnection, linker: Linker, into: str) -> int:
    """Write the candidate pairs, each once, to `into` and count them."""
    found = linker.inference.compute_blocked_pairs_for_predict()
    connection.execute(f"create or replace table {into} as select * from {found.physical_name}")
    return connection.execute(f"select count(*) from {into}").fetchone()[0]


def sample(connection: duckdb.DuckDBPyConnection, pairs: str, into: str, share: float) -> None:
    """Write about `share` of the pairs to `into`; the same pairs in every run."""
    connection.execute(
        f"create or replace table {into} as select * from {pairs} "
        f"where hash(join_key_l, join_key_r) % 1000000 < {int(share * 1_000_000)}"
    )


def random_pairs(connection: duckdb.DuckDBPyConnection, table: str, into: str, count: int, across: bool) -> None:
    """Write about `count` random pairs to `into`: every record with its neighbours in a random order."""
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone()
    steps = max(1, min(rows - 1, count // rows + 1))
    other = " and l.source_dataset <> r.source_dataset" if across else ""
    connection.execute(
        f"""create or replace table {into} as
        with shuffled as (
            select record_id, source_dataset, row_number() over (order by hash(record_id, 17), record_id) as place
            from {table}
        )
        select distinct least(l.record_id, r.record_id) as join_key_l, greatest(l.record_id, r.record_id) as join_key_r,
            '0' as match_key
        from shuffled l cross join range(1, {steps + 1}) as step(far)
        join shuffled r on r.place = (l.place + far - 1) % {rows} + 1
        where l.record_id <> r.record_id{other}"""
    )


def compare(connection: duckdb.DuckDBPyConnection, linker: Linker, pairs: str, mapping: Mapping) -> np.ndarray:
    """Give the comparison vectors of a table of pairs: pairs by comparisons, int8, -1 where a value is missing."""
    linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register(pairs))
    found = linker.inference.predict(warning_mode="never")
    names = [comparison["output_column_name"] for comparison in comparisons(mapping)]
    chosen = ", ".join(f"gamma_{name}::tinyint as {name}" for name in names)
    got = connection.execute(f"select {chosen} from {found.physical_name}").fetchnumpy()
    found.drop_table_from_database_and_remove_from_cache()
    return np.column_stack([np.asarray(got[name], dtype=np.int8) for name in names])


def score(
    connection: duckdb.DuckDBPyConnection, linker: Linker, pairs: str, mapping: Mapping, model: Model, floor: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give left, right and log2 odds of the pairs above `floor`, in a fixed order; some at a time, to bound memory."""
    odds = mixture(mapping, model)
    connection.execute("create or replace table scored (record_id_l bigint, record_id_r bigint, match_weight double)")
    connection.execute(
        f"create or replace table numbered as select *, (row_number() over ()) // {AT_A_TIME} as part from {pairs}"
    )
    (parts,) = connection.execute("select coalesce(max(part), -1) + 1 from numbered").fetchone()
    for part in range(parts):
        connection.execute(
            f"create or replace table some_pairs as select * exclude (part) from numbered where part = {part}"
        )
        linker.table_management.register_blocked_pairs_for_predict(linker._db_api.register("some_pairs"))
        found = linker.inference.predict(warning_mode="never")
        connection.execute(
            f"""insert into scored select * from (
                select record_id_l, record_id_r, log2({odds}) as match_weight from {found.physical_name}
            ) where match_weight >= {floor}"""
        )
        found.drop_table_from_database_and_remove_from_cache()
    got = connection.execute("select * from scored order by 1, 2").fetchnumpy()
    return tuple(np.asarray(got[name]) for name in ("record_id_l", "record_id_r", "match_weight"))


def mixture(mapping: Mapping, model: Model) -> str:
    """Give the SQL of the odds that a pair is one person: at its place or moved, against a household or strangers.

    Splink works out a weight per comparison, log2 of m over u, and its adjustment to how rare the value is; the other
    classes are made of the same weights (`model.classes`).
    """
    here, moved, together = [f"{model.same}"], [f"{model.moved}"], [f"{model.together}"]
    for comparison, role, u, household in zip(comparisons(mapping), model.roles, model.u, model.household, strict=True):
        name = comparison["output_column_name"]
        is_rare = any("tf_adjustment_column" in level for level in comparison["comparison_levels"])
        rarity = f"pow(2, mw_tf_adj_{name})" if is_rare else "1"
        factor = f"pow(2, mw_{name}{f' + mw_tf_adj_{name}' if is_rare else ''})"
        here.append(factor)
        if role != "place":
            moved.append(factor)
        if role == "person":
            together.append(f"({1 - RELATIVES} + {RELATIVES} * {factor})")
        else:
            each = " ".join(f"when {level} then {h / v}" for level, (h, v) in enumerate(zip(household, u, strict=True)))
            together.append(f"(case gamma_{name} {each} else 1 end) * {rarity}")
    strangers = 1 - model.prior - model.together
    return f"({' * '.join(here)} + {' * '.join(moved)}) / ({strangers} + {' * '.join(together)})"
