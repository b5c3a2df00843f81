"""Comparison vectors: for each pair, the level that each comparison reached, worked out by Splink on DuckDB."""

import logging
from dataclasses import dataclass

import duckdb
import numpy as np
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.identity.comparisons import comparisons
from ml.identity.mapping import Mapping


@dataclass(frozen=True)
class Vectors:
    """Pairs and their comparison vectors.

    `left`, `right`: record numbers. `levels`: pairs by comparisons, int8; -1 is missing, 0 is "different", the highest
    is "the same". `rarity`: pairs by comparisons, float32: the relative frequency of the value where the level is
    adjusted by term frequency, else NaN.
    """

    left: np.ndarray
    right: np.ndarray
    levels: np.ndarray
    rarity: np.ndarray


def make_linker(connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, keys: list[str], linked: bool) -> Linker:
    """Set Splink up for a prepared table; `linked` compares records of different `source_dataset` only."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    logging.disable(logging.WARNING)
    database = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="link_only" if linked else "dedupe_only",
        unique_id_column_name="record_id",
        source_dataset_column_name="source_dataset",
        comparisons=comparisons(mapping),
        blocking_rules_to_generate_predictions=[block_on(key) for key in keys],
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=True,
    )
    if not linked:
        return Linker(database.register(table), settings)
    names = connection.execute(f"select distinct source_dataset from {table} order by 1").fetchall()
    parts = []
    for number, (name,) in enumerate(names):
        connection.execute(
            f"create or replace table {table}_{number} as select * from {table} where source_dataset = $1", [name]
        )
        parts.append(database.register(f"{table}_{number}"))
    return Linker(parts, settings)


def compare(connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, keys: list[str], linked: bool) -> Vectors:
    """Compare all pairs that agree in one of `keys` (columns of `table`)."""
    linker = make_linker(connection, table, mapping, keys, linked)
    found = linker.inference.predict(warning_mode="never")
    names = [f"c{number}" for number in range(len(mapping.columns))]
    chosen = [f"gamma_{name}::tinyint as {name}" for name in names]
    has = set(found.columns_names) if hasattr(found, "columns_names") else {column.name for column in found.columns}
    rare = [name for name in names if f"tf_{name}_l" in has]
    chosen += [f"greatest(tf_{name}_l, tf_{name}_r)::float as rare_{name}" for name in rare]
    got = connection.execute(
        f"select record_id_l, record_id_r, {', '.join(chosen)} from {found.physical_name}"
    ).fetchnumpy()
    found.drop_table_from_database_and_remove_from_cache()
    rows = len(got["record_id_l"])
    rarity = np.full((rows, len(names)), np.nan, dtype=np.float32)
    for number, name in enumerate(names):
        if name in rare:
            rarity[:, number] = np.ma.filled(got[f"rare_{name}"].astype(np.float32), np.nan)
    levels = np.column_stack([np.asarray(got[name], dtype=np.int8) for name in names]) if rows else np.empty((0, len(names)), np.int8)
    return Vectors(np.asarray(got["record_id_l"]), np.asarray(got["record_id_r"]), levels, rarity)
