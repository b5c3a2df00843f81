"""Bring a linkage up to date for the records that came, changed or went; it then is what a full build would be.

What has to be looked at again is every pair with a record that was touched, and those that share a value that crossed
its limit count as touched; then every component that such a pair or a changed constraint is in. What changed is left
in the tables `edges_before`, `edges_after`, `clusters_before` and `clusters_after`, by the names of records.
"""

import duckdb

from ml.identity import graph, pairs, results
from ml.identity.build import SUM, Plan, add_edges, prepare
from ml.identity.learned import Model


def update(connection: duckdb.DuckDBPyConnection, plan: Plan, model: Model, given: str, touched_ids: str) -> None:
    """Replace the records that `touched_ids` (`record_id`) names by those of `given`, which may lack some of them.

    The table `restless_ids` (`record_id`) names further records whose constraints changed.
    """
    lines = pairs.lines_of(model, plan.mapping)
    exchange(connection, plan, lines, given, touched_ids)
    pairs.hold_touched(connection, lines, "affected", "touched")
    of_touched = "l in (select record from touched) or r in (select record from touched)"
    connection.execute(f"insert into edges_before {named('edges', of_touched)}")
    connection.execute(f"delete from edges where {of_touched}")
    keys = [line for line in lines if not line.is_rule]
    pairs.candidates(connection, keys, plan.kinds, "candidates", "touched")
    add_edges(connection, lines, plan, model, "touched")
    connection.execute(f"create or replace temp table edges_after as {named('new_edges')}")
    regroup(connection, plan)
    connection.execute("drop table arrived")


def exchange(
    connection: duckdb.DuckDBPyConnection, plan: Plan, lines: list[pairs.Line], given: str, touched_ids: str
) -> None:
    """Exchange the records themselves; give who was touched (`touched`), left (`departed`), and their values
    (`affected`), and take the edges of those who left away. Records that say what they said before stay."""
    (first,) = connection.execute("select coalesce(max(greatest(record, entity)), -1) + 1 from records").fetchall()[0]
    connection.execute("drop table if exists arrived")
    prepare(connection, given, plan, "arrived", first)
    connection.execute(
        f"""create or replace temp table departed as select * from records
        where record_id in (select record_id from {touched_ids});
        create or replace temp table settled as select d.record_id from departed d join arrived a using (record_id)
        where d.digest = a.digest and d.entity_id is not distinct from a.entity_id;
        delete from departed where record_id in (from settled);
        delete from arrived where record_id in (from settled);
        update arrived set entity = known.entity from (
            select entity_id, min(entity) as entity from records
            where entity_id in (select entity_id from arrived) group by entity_id
        ) known where known.entity_id = arrived.entity_id;
        create or replace temp table affected (line varchar, value ubigint);
        create or replace temp table touched as select record from arrived"""
    )
    pairs.values_of(connection, lines, "departed", "affected")
    left = "l in (select record from departed) or r in (select record from departed)"
    connection.execute(
        f"""create or replace temp table edges_before as {named("edges", left)};
        delete from edges where {left};
        delete from records where record in (select record from departed);
        delete from shared where record in (select record from departed);
        insert into records by name from arrived;
        update sums set n = sums.n + come.n - gone.n, total = sums.total + come.total - gone.total
        from ({SUM.format("arrived")}) come, ({SUM.format("departed")}) gone"""
    )
    pairs.share(connection, lines, "where record in (select record from arrived)")
    pairs.values_of(connection, lines, "arrived", "affected")


def regroup(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Cluster the components of what was touched again, and note who was where before and after."""
    connection.execute(
        f"""create or replace temp table restless as
        select entity from departed
        union select entity from records where record in (
            select record from touched
            union all select unnest([l, r]) from new_edges where weight >= {plan.threshold}
        )
        union select entity from records where record_id in (select record_id from restless_ids)"""
    )
    everybody = "(from records union all by name from departed)"
    graph.gather(connection, "restless")
    connection.execute(
        f"""create or replace temp table clusters_before as
        select r.record_id, c.record_id as cluster_id from {everybody} r
        join nodes using (entity) join {everybody} c on c.record = nodes.label
        where component in (select component from torn) and r.record not in (select record from arrived)"""
    )
    graph.group_touched(connection, plan)
    among = "where r.entity in (select entity from grouped)"
    connection.execute(f"create or replace temp table clusters_after as {results.CLUSTERS.format(condition=among)}")


def named(edges: str, condition: str = "true") -> str:
    """Give the SQL of edges by the names of their records."""
    return results.EDGES.format(edges=f"(from {edges} where {condition})")
