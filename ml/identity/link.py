"""Link the records of a table: `link(records, mapping)` gives the scored edges and who is one person.

A pure function: the same records give the same answer, in whatever order they come and however they are numbered.
Nothing is fitted to a data set; what differs between tables is learned from the table itself, without labels.
"""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from ml.identity import cache, results
from ml.identity.blocking import Key
from ml.identity.build import Plan
from ml.identity.learned import Model
from ml.identity.mapping import Mapping, MappingError
from ml.identity.pairs import lines_of
from ml.identity.partition import SUSPICIOUS_ABOVE, THRESHOLD


@dataclass(frozen=True)
class Linkage:
    """What was found.

    `edges`: `left_id, right_id, weight` (log2 odds), `probability`, `rule` (null where the model scored it), one row
    per pair that is not hopeless.
    `clusters`: `record_id, cluster_id`, one row per record in the order given; a cluster is named by a record of it.
    `held`: `record_id, records, rule, key`: values that a rule did not merge, or a blocking key did not look at,
    because too many share them, named by one record. `suspicious`: `case_id, reason, left_id, right_id, weight,
    records, members` (`results.py`), clusters that were published as their parts. `model`: what was learned.
    """

    edges: pd.DataFrame
    clusters: pd.DataFrame
    held: pd.DataFrame
    suspicious: pd.DataFrame
    model: Model

    @property
    def keys(self) -> tuple[Key, ...]:
        """The blocking keys."""
        return self.model.keys


def link(
    records: pd.DataFrame,
    mapping: Mapping,
    source: str | None = None,
    forbidden: pd.DataFrame | None = None,
    threshold: float = THRESHOLD,
    memory: str = cache.MEMORY,
    model: Model | None = None,
    entity: str | None = None,
    suspicious_above: int = SUSPICIOUS_ABOVE,
    functional: str | None = None,
) -> Linkage:
    """Find the records that are one person.

    `source`: the column that names the table of a record, when tables without duplicates are linked: records of one
    table are then not compared, and a cluster holds at most one of each. `entity`: the column that names the account
    or contact of which a record is a version; versions are one person by definition (missing: a version of nothing).
    `forbidden`: `left_id, right_id`, pairs that must not meet. `threshold`: log2 odds from which evidence is enough.
    `functional`: the column of which one person never has two different values (a birth date that was verified); all
    versions of an entity have the same. `model`: what was learned before; without one it is learned from these records.
    Raises `MappingError` for columns that are not there, for record ids that are missing or not unique, and for a
    model of other columns.
    """
    plan = Plan(mapping, source, entity, threshold, suspicious_above, functional)
    ids = identifiers(records, plan)
    if model is not None:
        model.check(mapping)
    with cache.private(), duckdb.connect() as connection:
        cache.configure(connection, memory)
        kept = sorted(set(mapping.sources) | {name for name in (source, entity, functional) if name})
        given = records[kept].assign(**{"#record_id": pd.Series(ids, index=records.index).astype(str)})
        connection.register("given", given)
        banned = pd.DataFrame({"left_id": [], "right_id": []}) if forbidden is None else forbidden
        connection.register("banned", banned[["left_id", "right_id"]].astype(str))
        model = cache.build_in(connection, "given", "banned", plan, model)
        return linkage(connection, pd.Series(ids, index=given["#record_id"]), model, mapping)


def linkage(connection: duckdb.DuckDBPyConnection, ids: pd.Series, model: Model, mapping: Mapping) -> Linkage:
    """Read what was found; `ids`: the caller's record ids, in the caller's order, by their text."""
    edges = connection.execute(results.EDGES.format(edges="edges") + " order by left_id, right_id").df()
    clusters = connection.execute(results.CLUSTERS.format(condition="")).df().set_index("record_id")["cluster_id"]
    held = connection.execute(results.held(lines_of(model, mapping))).df()
    suspicious = connection.execute(results.SUSPICIOUS).df()
    for frame, names in (
        (edges, ("left_id", "right_id")),
        (held, ("record_id",)),
        (suspicious, ("left_id", "right_id")),
    ):
        for name in names:
            frame[name] = ids.reindex(frame[name]).to_numpy()
    cluster = ids.reindex(clusters.reindex(ids.index)).to_numpy()
    return Linkage(edges, pd.DataFrame({"record_id": ids.to_numpy(), "cluster_id": cluster}), held, suspicious, model)


def identifiers(records: pd.DataFrame, plan: Plan) -> np.ndarray:
    """Give the record ids; check the columns."""
    mapping = plan.mapping
    wanted = set(mapping.sources) | {
        name for name in (mapping.record_id, plan.source, plan.entity, plan.functional) if name
    }
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
