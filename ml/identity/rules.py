"""Deterministic rules: columns that, all equal, make two records one person without a model.

They are data (`rules:` in the mapping). A value shared by more records than `HELD_ABOVE` is held, not merged: a
switchboard's number, `noreply@`, 000000. What is held is returned, so that somebody can look at it.
"""

import duckdb
import pandas as pd

from ml.identity.mapping import Mapping

HELD_ABOVE = 10  # records of one person that share an identifier; more are suspicious
CERTAIN = 20.0  # log2 odds that a rule is worth


def apply_rules(
    connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, across: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the pairs that a rule makes (`left, right, rule`) and the values held (`rule, records`: first and count)."""
    names = {column.name: f"c{number}" for number, column in enumerate(mapping.columns)}
    pairs, held = [], []
    other = "and l.source_dataset <> r.source_dataset" if across else ""
    for rule in mapping.rules:
        keys = ", ".join(names[name] for name in rule)
        known = " and ".join(f"{names[name]} is not null" for name in rule)
        label = " + ".join(rule)
        connection.execute(
            f"""create or replace table ruled as
            select record_id, source_dataset, dense_rank() over (order by {keys}) as value,
                count(*) over (partition by {keys}) as n
            from {table} where {known}"""
        )
        pairs.append(
            connection.execute(
                f"""select l.record_id as "left", r.record_id as "right" from ruled l join ruled r using (value)
                where l.record_id < r.record_id and l.n <= {HELD_ABOVE} {other} order by 1, 2"""
            )
            .df()
            .assign(rule=label)
        )
        held.append(
            connection.execute(
                f"""select min(record_id) as record, any_value(n) as records from ruled where n > {HELD_ABOVE}
                group by value order by 1"""
            )
            .df()
            .assign(rule=label)
        )
    empty = pd.DataFrame(
        {"left": pd.Series(dtype="int64"), "right": pd.Series(dtype="int64"), "rule": pd.Series(dtype=str)}
    )
    nothing = pd.DataFrame(
        {"record": pd.Series(dtype="int64"), "records": pd.Series(dtype="int64"), "rule": pd.Series(dtype=str)}
    )
    return pd.concat([empty, *pairs], ignore_index=True), pd.concat([nothing, *held], ignore_index=True)
