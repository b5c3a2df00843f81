"""How likely two records are one person: Splink's model (Fellegi and Sunter 1969), trained without labels.

u (agreement by chance) from random pairs, m (agreement of a true pair) by expectation maximisation over blocks, each
of which leaves out the columns it blocks on; values that are rare weigh more (term frequency).
"""

import logging

import duckdb
import pandas as pd
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.identity.blocking import Key
from ml.identity.comparisons import comparisons
from ml.identity.mapping import Mapping

SEED = 1
RANDOM_PAIRS = 2_000_000
EDGE_COLUMNS = ["left_id", "right_id", "weight", "probability"]

logging.getLogger("splink").setLevel(logging.ERROR)


def make_linker(
    connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, keys: list[Key], linked: bool, prior: float
) -> Linker:
    """Set Splink up for a prepared table."""
    database = DuckDBAPI(connection=connection)
    settings = SettingsCreator(
        link_type="link_only" if linked else "dedupe_only",
        unique_id_column_name="record_id",
        source_dataset_column_name="source_dataset",
        comparisons=comparisons(mapping),
        blocking_rules_to_generate_predictions=[block_on(key.column) for key in keys],
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )
    if not linked:
        return Linker(database.register(table), settings)
    names = [row[0] for row in connection.execute(f"select distinct source_dataset from {table} order by 1").fetchall()]
    parts = []
    for number, name in enumerate(names):
        connection.execute(f"create view {table}_{number} as select * from {table} where source_dataset = '{name}'")
        parts.append(database.register(f"{table}_{number}"))
    return Linker(parts, settings)


def train(linker: Linker, mapping: Mapping) -> None:
    """Learn u from random pairs and m from blocks: one session per column that names people, so that each column is left free by another."""
    linker.training.estimate_u_using_random_sampling(max_pairs=RANDOM_PAIRS, seed=SEED)
    for rule in sessions(mapping):
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*rule), fix_probability_two_random_records_match=False, estimate_without_term_frequencies=True
        )


def sessions(mapping: Mapping) -> list[list[str]]:
    """Give the columns to block on in each training session."""
    numbered = {column: f"c{number}" for number, column in enumerate(mapping.columns)}
    strong = mapping.of_kind("birth_date", "national_id", "email", "phone", "street", "full_name")
    found = [[numbered[column]] for column in strong[:4]]
    given, surname = mapping.of_kind("given_name"), mapping.of_kind("surname")
    if given and surname:
        found.append([numbered[given[0]], numbered[surname[0]]])
    return found
