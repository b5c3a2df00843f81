"""Plain Splink for large tables: the rules, comparisons and training of its example deduplicate_50k_synthetic."""

from pathlib import Path

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


def plain_splink(file: Path, into: Path) -> None:
    """Splink as its example for larger tables uses it, from a file to a file."""
    local = duckdb.connect()
    database = DuckDBAPI(connection=local)
    start = "substr(postcode, 1, 3)"
    model = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[
            block_on("substr(given, 1, 3)", "substr(family, 1, 4)", "substr(born, 1, 4)"),
            block_on("family", "born"),
            block_on("given", "born"),
            block_on("postcode", "given"),
            block_on("postcode", "family"),
            block_on(start, "born"),
            block_on("email"),
        ],
        comparisons=[
            cl.ForenameSurnameComparison("given", "family"),
            cl.DateOfBirthComparison("born", input_is_string=True),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
            cl.ExactMatch("town").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
    )
    linker = Linker(database.register(duckdb.read_parquet(str(file), connection=local)), model, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given", "family", "born"), block_on("born", "postcode")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
    for rule in (block_on("given", "family"), block_on("born")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
    scored = linker.inference.predict(threshold_match_probability=0.2)
    grouped = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold_match_probability=0.95)
    local.execute(f"copy (select unique_id, cluster_id from {grouped.physical_name}) to '{into}'")
