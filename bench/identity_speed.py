"""Linking a large table, ours and plain Splink in one run: `python -m bench.identity_speed [--records 1000000]`.

Synthetic persons, a fifth of the records duplicates with an error. Plain Splink: the blocking rules, comparisons and
training of its example for larger tables (docs/demos/examples/duckdb/deduplicate_50k_synthetic), connected components
at 0.95. Each side gets the same table in a process of its own.
"""

import argparse
import json
import os

import duckdb
import numpy as np
import pandas as pd
import splink.comparison_library as cl
from faker import Faker
from rich.table import Table
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench.identity import SEED, apart
from ml.identity.evaluation import quality
from ml.identity.link import link
from ml.identity.mapping import Mapping, read_mapping
from runtime.progress import console

COLUMNS = {
    "given": "given_name",
    "family": "surname",
    "born": "birth_date",
    "postcode": "postcode",
    "town": "town",
    "email": "email",
}


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000, help="records (default: 1,000,000)")
    given = parser.parse_args()
    table, truth = people(given.records)
    mapping = read_mapping({"columns": COLUMNS})
    results: dict[str, float] = {"records": len(table)}
    for prefix, side in (("", ours), ("splink_", plain_splink)):
        console.print(f"  {'Splink' if prefix else 'ours'} …")
        (labels,), seconds, peak = apart(side, table, mapping, False)
        found = quality(labels, truth)
        results |= {f"{prefix}seconds": round(seconds, 1), f"{prefix}peak_rss_mb": round(peak)}
        results |= {f"{prefix}precision": round(found.precision, 4), f"{prefix}recall": round(found.recall, 4)}
        results |= {f"{prefix}f1": round(found.f1, 4), f"{prefix}cluster_f1": round(found.cluster_f1, 4)}
    results["ratio"] = round(results["seconds"] / results["splink_seconds"], 2)
    shown = Table(title=f"{len(table):,} records (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)")
    names = ("seconds", "peak_rss_mb", "precision", "recall", "f1", "cluster_f1")
    for name in ("side", *names):
        shown.add_column(name, justify="right")
    shown.add_row("ours", *(f"{results[name]:,}" for name in names))
    shown.add_row("Splink", *(f"{results['splink_' + name]:,}" for name in names))
    console.print(shown)
    print(json.dumps(results))


def people(count: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Make `count` records of about four fifths as many persons, and who they are."""
    chance = np.random.default_rng(SEED)
    faker = Faker("de_DE")
    faker.seed_instance(SEED)
    givens = np.array(sorted({faker.first_name() for _ in range(4000)}), dtype=object)
    families = np.array(sorted({faker.last_name() for _ in range(20_000)}), dtype=object)
    towns = np.array(sorted({faker.city() for _ in range(20_000)}), dtype=object)
    persons = int(count * 0.8)
    common = lambda names: names[np.minimum((chance.random(persons) ** 2 * len(names)).astype(int), len(names) - 1)]  # noqa: E731
    born = np.datetime64("1935-01-01") + chance.integers(0, 25_500, persons).astype("timedelta64[D]")
    place = chance.integers(0, 8000, persons)
    base = pd.DataFrame({"given": common(givens), "family": common(families), "born": born.astype(str)})
    base["postcode"] = (10_000 + place * 11).astype(str)
    base["town"] = towns[place % len(towns)]
    base["email"] = (
        base["given"].str[:1] + "." + base["family"] + chance.integers(1, 999, persons).astype(str) + "@mail.example"
    )
    base.loc[chance.random(persons) < 0.4, "email"] = None
    who = np.concatenate([np.arange(persons), chance.integers(0, persons, count - persons)])
    table = base.iloc[who].reset_index(drop=True)
    wrong = np.arange(count) >= persons
    for name in ("given", "family", "town"):
        hit = wrong & (chance.random(count) < 0.3)
        table.loc[hit, name] = [
            misspelled(word, at) for word, at in zip(table.loc[hit, name], chance.random(hit.sum()), strict=True)
        ]
    moved = wrong & (chance.random(count) < 0.2)
    table.loc[moved, ["postcode", "town"]] = table.loc[
        chance.permutation(np.flatnonzero(moved)), ["postcode", "town"]
    ].to_numpy()
    hit = wrong & (chance.random(count) < 0.15)
    table.loc[hit, "born"] = table.loc[hit, "born"].str[:8] + "01"
    order = chance.permutation(count)
    return table.iloc[order].reset_index(drop=True), who[order]


def misspelled(word: str, at: float) -> str:
    """Leave out one letter."""
    place = int(at * len(word))
    return word[:place] + word[place + 1 :]


def ours(records: pd.DataFrame, mapping: Mapping, linked: bool) -> list:
    """Our partition."""
    return [link(records, mapping).clusters["cluster_id"].to_numpy()]


def plain_splink(records: pd.DataFrame, mapping: Mapping, linked: bool) -> list:
    """Splink as its example for larger tables uses it."""
    database = DuckDBAPI(connection=duckdb.connect())
    start = "substr(postcode, 1, 3)"
    settings = SettingsCreator(
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
    table = records.reset_index(names="unique_id")
    linker = Linker(database.register(table), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("given", "family", "born"), block_on("born", "postcode")], recall=0.6
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
    for rule in (block_on("given", "family"), block_on("born")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
    scored = linker.inference.predict(threshold_match_probability=0.2)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(scored, threshold_match_probability=0.95)
    found = clusters.as_pandas_dataframe().set_index("unique_id")["cluster_id"]
    return [found.reindex(table["unique_id"]).to_numpy()]


if __name__ == "__main__":
    main()
