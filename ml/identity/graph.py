"""From edges between records to clusters of entities, for all or only for the components that were touched.

The entities of `nodes` are clustered, not their versions: between two entities the best pair of versions counts. A
cluster is named by its record with the smallest digest (then id), whatever the numbers of records are.
`nodes`: `entity, component, label` (record). `cases`: suspicious clusters, in `case_members` with their entities.
"""

import duckdb
import numpy as np
import pandas as pd

from ml.identity.build import Plan
from ml.identity.mapping import MappingError
from ml.identity.partition import Partition, partition

TABLES = {
    "nodes": "entity bigint, component bigint, label bigint",
    "cases": "component bigint, number int, reason varchar, l bigint, r bigint, weight double",
    "case_members": "component bigint, number int, part int, entity bigint",
    "forbidden": "left_id varchar, right_id varchar",
}
FIRST = "first({} order by digest, record_id)"  # of the versions of an entity


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the empty tables `nodes`, `cases`, `case_members` and `forbidden` (`left_id, right_id`)."""
    for name, columns in TABLES.items():
        connection.execute(f"create or replace table {name} ({columns})")


def group_all(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Fill `nodes` for all records."""
    ends = pairs_of_entities(plan, f"where weight >= {plan.threshold}")
    connection.execute(
        f"""create or replace temp table grouped as
        select distinct unnest([l, r]) as entity from (select l, r from ({ends}))"""
    )
    alone = "record" if plan.entity is None else FIRST.format("record")
    by = "" if plan.entity is None else "group by entity"
    connection.execute(
        f"insert into nodes select entity, entity, {alone} from records anti join grouped using (entity) {by}"
    )
    group(connection, plan)


def gather(connection: duckdb.DuckDBPyConnection, restless: str) -> None:
    """Write the components of the entities in `restless` (`entity`) to `torn`, and all their entities to `grouped`."""
    connection.execute(
        f"""create or replace temp table torn as
        select distinct component from nodes where entity in (select entity from {restless});
        create or replace temp table grouped as
        select distinct entity from records where entity in (
            select entity from {restless}
            union all select entity from nodes where component in (select component from torn)
        )"""
    )


def group_touched(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Cluster what `gather` found again."""
    for table in ("nodes", "cases", "case_members"):
        connection.execute(f"delete from {table} where component in (select component from torn)")
    group(connection, plan)


def group(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Cluster the entities of `grouped`, which holds whole components, and add them to `nodes`."""
    members = connection.execute(
        f"""select entity, {FIRST.format("record")} as label, min(source) as source, count(distinct source) as sources,
            min(functional) as functional, count(distinct functional) as told
        from records semi join grouped using (entity) group by entity
        order by min(struct_pack(digest := digest, record_id := record_id))"""
    ).df()
    if plan.source and (members["sources"] > 1).any():
        raise MappingError(f"{int((members['sources'] > 1).sum())} entities stand in more than one {plan.source}.")
    if (members["told"] > 1).any():
        raise MappingError(f"{int((members['told'] > 1).sum())} entities have two values of {plan.functional}.")
    if members.empty:
        return
    found = divide(connection, plan, members)
    write(connection, members, found)


def divide(connection: duckdb.DuckDBPyConnection, plan: Plan, members: pd.DataFrame) -> Partition:
    """Partition the entities; their places in `members` are their numbers."""
    within = "semi join grouped on l = grouped.entity semi join grouped as g on r = g.entity"
    got = connection.execute(f"select l, r, weight from ({pairs_of_entities(plan)}) {within}").fetchnumpy()
    place = Places(members["entity"].to_numpy())
    left, right = (place.of(np.asarray(got[side], np.int64)) for side in ("l", "r"))
    banned = connection.execute(
        """select distinct l.entity as l, r.entity as r from forbidden
        join records l on l.record_id = left_id join records r on r.record_id = right_id
        where l.entity <> r.entity and l.entity in (select entity from grouped)
            and r.entity in (select entity from grouped)"""
    ).fetchnumpy()
    forbidden = np.column_stack([place.of(np.asarray(banned[side], np.int64)) for side in ("l", "r")])
    sources = members["source"].to_numpy() if plan.source else None
    functional = members["functional"].to_numpy() if plan.functional else None
    weight = np.asarray(got["weight"], float)
    return partition(
        len(members), left, right, weight, sources, forbidden, plan.threshold, plan.suspicious_above, functional
    )


def pairs_of_entities(plan: Plan, condition: str = "") -> str:
    """Give the SQL of the pairs of entities and the best weight between their versions."""
    if plan.entity is None:
        return f"select l, r, weight from edges {condition}"
    return f"""select least(a.entity, b.entity) as l, greatest(a.entity, b.entity) as r, max(weight) as weight
        from edges join records a on a.record = edges.l join records b on b.record = edges.r {condition}
        group by 1, 2"""


class Places:
    """Where each entity stands."""

    def __init__(self, entities: np.ndarray) -> None:
        self.order = np.argsort(entities)
        self.sorted = entities[self.order]

    def of(self, wanted: np.ndarray) -> np.ndarray:
        """Give the places of entities that are all there."""
        return self.order[np.searchsorted(self.sorted, wanted)]


def write(connection: duckdb.DuckDBPyConnection, members: pd.DataFrame, found: Partition) -> None:
    """Add the clusters and the cases to the tables."""
    entity, label = members["entity"].to_numpy(), members["label"].to_numpy()
    nodes = pd.DataFrame({"entity": entity, "component": entity[found.component], "label": label[found.label]})
    connection.register("new_nodes", nodes)
    connection.execute("insert into nodes select entity, component, label from new_nodes")
    connection.unregister("new_nodes")
    for number, case in enumerate(found.cases):
        component = int(entity[found.component[case.pair[0]]])
        left, right = (int(entity[place]) for place in case.pair)
        connection.execute(
            "insert into cases values (?, ?, ?, ?, ?, ?)", [component, number, case.reason, left, right, case.weight]
        )
        connection.executemany(
            "insert into case_members values (?, ?, ?, ?)",
            [[component, number, n, int(entity[place])] for n, part in enumerate(case.parts) for place in part],
        )
