"""Link the records of a table: `link(records, mapping)` gives the scored edges and who is one person.

A pure function: the same records give the same answer, in whatever order they come and however they are numbered.
Nothing is fitted to a data set; what differs between tables is learned from the table itself, without labels.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ml.identity import vectors
from ml.identity.blocking import Key, choose_keys
from ml.identity.comparisons import comparisons, groups, roles
from ml.identity.mapping import Mapping, MappingError
from ml.identity.model import Model, learn, probability
from ml.identity.normalise import normalise
from ml.identity.partition import ABSENT, THRESHOLD, partition
from ml.identity.rules import CERTAIN, apply_rules

TRAINING_PAIRS = 1_000_000  # at most; bounds time and memory of learning, twice as many were used before
RANDOM_PAIRS = 300_000  # tell how often strangers agree by chance
THREADS = 2  # of DuckDB: the two cores that everything here is measured on
EDGES = pd.DataFrame({"left": np.empty(0, int), "right": np.empty(0, int), "weight": np.empty(0)})
HELD = pd.DataFrame({"record_id": [], "records": [], "rule": []})


@dataclass(frozen=True)
class Linkage:
    """What was found.

    `edges`: `left_id, right_id, weight` (log2 odds), `probability`, `rule` (null where the model scored it), one row
    per pair that is not hopeless.
    `clusters`: `record_id, cluster_id`, one row per record in the order given; a cluster is named by a record of it.
    `held`: `record_id, records, rule`: values that a rule did not merge because too many records share them, named by
    one record. `keys`: the blocking keys that were used, with pairs and held values. `model`: what was learned.
    """

    edges: pd.DataFrame
    clusters: pd.DataFrame
    held: pd.DataFrame
    keys: list[Key]
    model: Model


def link(
    records: pd.DataFrame,
    mapping: Mapping,
    source: str | None = None,
    forbidden: pd.DataFrame | None = None,
    threshold: float = THRESHOLD,
    memory: str = "4GB",
) -> Linkage:
    """Find the records that are one person.

    `source`: the column that names the table of a record, when tables without duplicates are linked: records of one
    table are then not compared, and a cluster holds at most one of each. `forbidden`: `left_id, right_id`, pairs that
    must not meet. `threshold`: log2 odds from which evidence is enough. Raises `MappingError` for columns that are
    not there and for record ids that are missing or not unique.
    """
    ids = identifiers(records, mapping, source)
    order = content_order(records, mapping, source, ids)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    table = records.iloc[order].reset_index(drop=True)
    sources = table[source].astype(str).to_numpy() if source else None
    if len(table) < 2:
        clusters = pd.DataFrame({"record_id": ids, "cluster_id": ids})
        return Linkage(edges_frame(ids, EDGES), clusters, HELD, [], Model([], [], [], (), 0.5, 0.0, 0.0))
    with duckdb.connect() as connection:
        connection.execute(f"set threads={THREADS}; set memory_limit='{memory}'; set enable_progress_bar=false")
        keys, model, edges, held = scored(connection, table, mapping, sources, threshold)
    numbered = ids[order]
    banned = None
    if forbidden is not None and len(forbidden):
        known = pd.Series(np.arange(len(numbered)), index=numbered)
        both = forbidden[forbidden["left_id"].isin(known.index) & forbidden["right_id"].isin(known.index)]
        banned = np.column_stack([known[both["left_id"]], known[both["right_id"]]])
    labels = partition(
        len(table), *(edges[name].to_numpy() for name in ("left", "right", "weight")), sources, banned, threshold
    )
    clusters = pd.DataFrame({"record_id": ids, "cluster_id": numbered[labels[place]]})
    held = held.assign(record_id=numbered[held["record"]])[["record_id", "records", "rule"]]
    return Linkage(edges_frame(numbered, edges), clusters, held, keys, model)


def scored(
    connection: duckdb.DuckDBPyConnection,
    table: pd.DataFrame,
    mapping: Mapping,
    sources: np.ndarray | None,
    threshold: float,
) -> tuple[list[Key], Model, pd.DataFrame, pd.DataFrame]:
    """Normalise, block, learn, score, apply the rules; give keys, model, edges by place in the table, held values."""
    across = sources is not None
    kept = table[sorted(mapping.sources)].assign(
        record_id=np.arange(len(table)), source_dataset=sources if across else ""
    )
    connection.register("given", kept)
    normalise(connection, "given", mapping, "normalised")
    connection.unregister("given")
    keys = choose_keys(connection, "normalised", mapping, "prepared")
    grouped = [groups(comparison) for comparison in comparisons(mapping)]
    linker = vectors.make_linker(connection, "prepared", mapping, keys, across, None)
    candidates = vectors.block(connection, linker, "candidates")
    share = min(1.0, TRAINING_PAIRS / max(candidates, 1))
    vectors.sample(connection, "candidates", "training", share)
    seen = vectors.compare(connection, linker, "training", mapping)
    possible = possible_pairs(sources, len(table))
    if candidates == possible and share == 1:
        chance = seen
    else:
        vectors.random_pairs(connection, "prepared", "by_chance", RANDOM_PAIRS, across)
        chance = vectors.compare(connection, linker, "by_chance", mapping)
    model = learn(seen, chance, grouped, roles(mapping), len(table), possible, share)
    linker = vectors.make_linker(connection, "prepared", mapping, keys, across, model)
    left, right, weight = vectors.score(connection, linker, "candidates", mapping, model, min(ABSENT, threshold))
    edges = pd.DataFrame({"left": left, "right": right, "weight": weight})
    ruled, held = apply_rules(connection, "normalised", mapping, across)
    if len(ruled):
        ruled = ruled.drop_duplicates(["left", "right"]).assign(weight=CERTAIN)
        edges = pd.concat([ruled, edges.assign(rule=None)]).drop_duplicates(["left", "right"])
        edges = edges.sort_values(["left", "right"], ignore_index=True)
    return keys, model, edges, held


def identifiers(records: pd.DataFrame, mapping: Mapping, source: str | None) -> np.ndarray:
    """Give the record ids; check the columns."""
    wanted = (
        set(mapping.sources) | ({mapping.record_id} if mapping.record_id else set()) | ({source} if source else set())
    )
    lacking = sorted(wanted - set(records.columns))
    if lacking:
        raise MappingError(
            f"The table has no column {', '.join(lacking)}. It has: {', '.join(map(str, records.columns))}."
        )
    if mapping.record_id is None:
        return np.arange(len(records))
    ids = records[mapping.record_id]
    if ids.isna().any() or not ids.is_unique:
        raise MappingError(
            f"{mapping.record_id} is no record id: {ids.isna().sum()} missing, {ids.duplicated().sum()} repeated."
        )
    return ids.to_numpy()


def content_order(records: pd.DataFrame, mapping: Mapping, source: str | None, ids: np.ndarray) -> np.ndarray:
    """Order records by what they say, then by id, so that neither order nor numbering can decide anything."""
    columns = [source, *sorted(mapping.sources)] if source else sorted(mapping.sources)
    text = records[columns].astype("string").fillna("")
    digest = pd.util.hash_pandas_object(text, index=False).to_numpy()
    return np.lexsort((pd.Series(ids).astype(str).to_numpy(dtype=str), digest))


def possible_pairs(sources: np.ndarray | None, records: int) -> int:
    """Count all pairs that could be compared."""
    everything = records * (records - 1) // 2
    if sources is None:
        return everything
    sizes = pd.Series(sources).value_counts()
    return int(everything - (sizes * (sizes - 1) // 2).sum())


def edges_frame(ids: np.ndarray, edges: pd.DataFrame) -> pd.DataFrame:
    """Name the edges by record ids."""
    weight = edges["weight"].to_numpy()
    return pd.DataFrame(
        {
            "left_id": ids[edges["left"].to_numpy()],
            "right_id": ids[edges["right"].to_numpy()],
            "weight": weight,
            "probability": probability(weight),
            "rule": edges.get("rule"),
        }
    )
