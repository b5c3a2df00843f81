"""Comparison vectors and scores of pairs, worked out by Splink on DuckDB.

Pairs are tables of `l, r` (record numbers); only the records that occur in them are looked at.
"""

from collections.abc import Iterable

import duckdb
import numpy as np
import pandas as pd
from splink import DuckDBAPI, SettingsCreator
from splink.internals.comparison_vector_values import compute_comparison_vector_values_from_id_pairs_sqls
from splink.internals.pipeline import CTEPipeline
from splink.internals.predict import predict_from_comparison_vectors_sqls_using_settings

from ml.identity.comparisons import Level, comparisons, for_splink
from ml.identity.learned import Model, Rarity
from ml.identity.mapping import Mapping
from ml.identity.model import RELATIVES, Parameters

RARITY_PRIOR = 10.0  # records that the average value's frequency is worth when a value's own frequency is estimated
OF_ITS_OWN = 2  # records that may share a value without making it less rare: the two that are compared


def compare(connection: duckdb.DuckDBPyConnection, pairs: str, mapping: Mapping) -> np.ndarray:
    """Give the comparison vectors of a table of pairs: pairs by comparisons, int8, -1 where a value is missing."""
    compared = comparisons(mapping)
    names = [comparison["output_column_name"] for comparison in compared]
    if is_empty(connection, pairs):
        return np.empty((0, len(names)), dtype=np.int8)
    for comparison in compared:
        for level in comparison["comparison_levels"]:
            level.pop("tf_adjustment_column", None)
            level.pop("disable_tf_exact_match_detection", None)
    chosen = ", ".join(f"gamma_{name}::tinyint as {name}" for name in names)
    gather(connection, pairs)
    found = predicted(connection, pairs, compared, f"select {chosen} from __splink__df_comparison_vectors", [])
    got = connection.execute(f"from {found}").fetchnumpy()
    connection.execute(f"drop table {found}")
    return np.column_stack([np.asarray(got[name], dtype=np.int8) for name in names])


def score(
    connection: duckdb.DuckDBPyConnection, pairs: str, mapping: Mapping, model: Model, floor: float, into: str
) -> None:
    """Write the pairs of at least `floor` to the table `into`: `l, r, weight` (log2 odds)."""
    connection.execute(f"create or replace temp table {into} (l bigint, r bigint, weight double)")
    if is_empty(connection, pairs):
        return
    found = weighed(
        connection,
        pairs,
        mapping,
        model,
        f"""select l, r, weight from (
            select record_l as l, record_r as r, log2({mixture(mapping, model.parameters)}) as weight
            from __splink__df_match_weight_parts
        ) where weight >= {floor}""",
    )
    connection.execute(f"insert into {into} select l, r, weight from {found}; drop table {found}")


def weighed(connection: duckdb.DuckDBPyConnection, pairs: str, mapping: Mapping, model: Model, answer: str) -> str:
    """Let Splink weigh pairs with a model; give the table of what the SQL `answer` makes of its
    `__splink__df_match_weight_parts`: `record_l, record_r` and per comparison `gamma_`, `mw_`, `mw_tf_adj_`."""
    compared = comparisons(mapping)
    parameters = model.parameters
    for comparison, m, u in zip(compared, parameters.m, parameters.u, strict=True):
        for level, pm, pu in zip(comparison["comparison_levels"][1:], m[::-1], u[::-1], strict=True):
            level |= {"m_probability": float(pm), "u_probability": float(pu)}
    rare = usual_frequency(mapping, parameters)
    gather(connection, pairs)
    for name, chance in rare.items():
        look_up_rarity(connection, name, chance, model.rarity[name])
    return predicted(connection, pairs, compared, answer, list(rare))


def is_empty(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Say that a table has no row."""
    return not connection.execute(f"select 1 from {table} limit 1").fetchall()


def gather(connection: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Write the records that occur in pairs to the table `gathered`."""
    connection.execute(
        f"""create or replace temp table gathered as select * from records
        where record in (select l from {pairs} union all select r from {pairs})"""
    )


def predicted(
    connection: duckdb.DuckDBPyConnection, pairs: str, compared: list[dict], answer: str, rare: list[str]
) -> str:
    """Let Splink compare pairs and work out weights, and write what the SQL `answer` makes of them to a table.

    Splink's `predict` would write everything it knows of each pair, values included: ten times the bytes, half the
    speed. So its own SQL is used up to the step that `answer` names.
    """
    frequencies = "".join(f", tf_{name}" for name in rare)
    joins = " ".join(f"left join rarity_{name} using ({name})" for name in rare)
    connection.execute(
        f"""create or replace temp table compared as select gathered.*{frequencies} from gathered {joins};
        create or replace temp table to_predict as select l as join_key_l, r as join_key_r, '0' as match_key
        from {pairs}"""
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[for_splink(comparison) for comparison in compared],
        retain_matching_columns=True,  # Splink drops the levels without
        retain_intermediate_calculation_columns=True,
    )
    known = settings.get_settings("duckdb")
    database = DuckDBAPI(connection=connection)
    pipeline = CTEPipeline(
        [
            database.table_to_splink_dataframe("__splink__df_concat_with_tf", "compared"),
            database.table_to_splink_dataframe("__splink__blocked_id_pairs", "to_predict"),
        ]
    )
    vectors = compute_comparison_vector_values_from_id_pairs_sqls(
        known._columns_to_select_for_blocking,
        known._columns_to_select_for_comparison_vector_values,
        input_tablename_l="__splink__df_concat_with_tf",
        input_tablename_r="__splink__df_concat_with_tf",
        source_dataset_input_column=known.column_info_settings.source_dataset_input_column,
        unique_id_input_column=known.column_info_settings.unique_id_input_column,
        link_type="dedupe_only",
        sql_dialect_str="duckdb",
    )
    pipeline.enqueue_list_of_sqls(vectors)
    pipeline.enqueue_list_of_sqls(predict_from_comparison_vectors_sqls_using_settings(known))
    pipeline.enqueue_sql(answer, "__splink__answer")
    found = database.sql_pipeline_to_splink_dataframe(pipeline)
    connection.execute("drop table compared; drop table to_predict; drop table gathered")
    return found.physical_name


def mixture(mapping: Mapping, parameters: Parameters) -> str:
    """Give the SQL of the odds that a pair is one person: at its place or moved, against a household or strangers."""
    here, moved, together = hypotheses(mapping, parameters)
    return f"({here} + {moved}) / ({1 - parameters.prior - parameters.together} + {together})"


def hypotheses(mapping: Mapping, parameters: Parameters) -> tuple[str, str, str]:
    """Give the SQL of how likely a pair is one person here, one who moved, and two of a household, over strangers.

    Splink works out a weight per comparison, log2 of m over u, and its adjustment to how rare the value is; the other
    classes are made of the same weights (`model.classes`).
    """
    here, moved, together = [f"{parameters.same}"], [f"{parameters.moved}"], [f"{parameters.together}"]
    for comparison, role, u, household in zip(
        comparisons(mapping), parameters.roles, parameters.u, parameters.household, strict=True
    ):
        name = comparison["output_column_name"]
        is_rare = has_rarity(comparison)
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
    return " * ".join(here), " * ".join(moved), " * ".join(together)


def has_rarity(comparison: dict) -> bool:
    """Say that a comparison is weighed by how rare its values are."""
    return any("tf_adjustment_column" in level for level in comparison["comparison_levels"])


def usual_frequency(mapping: Mapping, parameters: Parameters) -> dict[str, float]:
    """Give, for each column whose values are weighed by rarity, how often strangers share a value."""
    usual: dict[str, float] = {}
    for comparison, u in zip(comparisons(mapping), parameters.u, strict=True):
        levels: Iterable[tuple[Level, float]] = zip(comparison["comparison_levels"][1:], u[::-1], strict=True)
        usual |= {
            level["tf_adjustment_column"]: chance
            for level, chance in reversed(list(levels))
            if "tf_adjustment_column" in level
        }
    return usual


def learn_rarity(connection: duckdb.DuckDBPyConnection, name: str) -> Rarity:
    """Count how many persons or things (entities) have each value of a column."""
    (known,) = connection.execute(
        f"select count(*) from (select distinct entity, {name} from records where {name} is not null)"
    ).fetchall()[0]
    got = connection.execute(
        f"""select md5_number_lower({name}) as value, count(distinct entity) as records from records
        where {name} is not null group by {name} having count(distinct entity) > {OF_ITS_OWN} order by 1"""
    ).fetchnumpy()
    return Rarity(known, np.asarray(got["value"], np.uint64), np.asarray(got["records"], np.int64))


def look_up_rarity(connection: duckdb.DuckDBPyConnection, name: str, chance: float, rarity: Rarity) -> None:
    """Write the table `rarity_<name>`: how frequent each value is, apart from the two records that are compared.

    Counting the pair itself would make every value of a small table look common; a value that only the pair has, or
    that nobody had when the model was learned, is as rare as `RARITY_PRIOR` says.
    """
    connection.register("known_values", pd.DataFrame({"value": rarity.values, "n": rarity.counts}))
    connection.execute(
        f"""create or replace temp table rarity_{name} as
        select {name}, (coalesce(n - {OF_ITS_OWN}, 0) + {float(RARITY_PRIOR * chance)!r}::double)
            / {rarity.known + RARITY_PRIOR!r}::double as tf_{name}
        from (select distinct {name} from gathered where {name} is not null)
        left join known_values on value = md5_number_lower({name})"""
    )
    connection.unregister("known_values")
