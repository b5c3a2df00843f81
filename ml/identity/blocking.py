"""Which pairs are looked at: keys by kind, alone and in twos, chosen so that the work stays within a budget.

A pair is a candidate if it agrees in one key. Every key is a column of its own, null where it says nothing: where the
value is missing, or where so many records share it that it would link strangers (a held value).
"""

from dataclasses import dataclass
from itertools import combinations

import duckdb

from ml.identity.mapping import Mapping

PAIRS_PER_RECORD = 5  # candidate pairs per record that all keys together may cost
PAIRS_AT_LEAST = 1_000_000  # what a small table may cost in any case: seconds
HELD_ABOVE = 500  # records that share a value of a key; above, the value is held


@dataclass(frozen=True)
class Key:
    """A blocking key: its column, the SQL it stands for, the pairs it makes and the values that are held."""

    column: str
    expression: str
    pairs: int
    held: int


def alone(mapping: Mapping) -> list[str]:
    """Give the SQL of the keys that may stand alone, most trusted first."""
    found: dict[str, list[str]] = {}
    for number, column in enumerate(mapping.columns):
        name = f"c{number}"
        found.setdefault(column.kind, []).extend(
            {
                "birth_date": [
                    name,
                    f"{name}[1:4] || least({name}[5:6], {name}[7:8]) || greatest({name}[5:6], {name}[7:8])",
                ],
                "given_name": [f"{name}_sound", name],
                "surname": [f"{name}_sound", name],
                "full_name": [f"{name}_sound", name],
                "email": [f"{name}_local", name],
                "phone": [f"right({name}, 7)"],
                "national_id": [name],
                "region": [],
                "country": [],
                "gender": [],
                "house_number": [],
            }.get(column.kind, [name])
        )
    given, surname = mapping.of_kind("given_name"), mapping.of_kind("surname")
    both = []
    if given and surname:
        one, other = (f"c{mapping.columns.index(column)}_sound" for column in (given[0], surname[0]))
        both = [f"nullif(least({one}, {other}) || '|' || greatest({one}, {other}), {one} || '|' || {one})"]
    return both + [sql for kind in found.values() for sql in kind]


def in_twos(mapping: Mapping) -> list[tuple[str, str]]:
    """Give the twos of rough keys of different columns."""
    rough: list[tuple[str, str]] = []
    for number, column in enumerate(mapping.columns):
        name = f"c{number}"
        rough += [
            (name, sql)
            for sql in {
                "birth_date": [f"{name}[1:4]", f"{name}[5:8]"],
                "given_name": [f"{name}_sound", f"{name}[1:3]"],
                "surname": [f"{name}_sound", f"{name}[1:3]"],
                "full_name": [f"{name}_sound", f"{name}[1:4]"],
                "street": [f"{name}[1:5]"],
                "town": [f"{name}[1:4]"],
                "address_line": [f"{name}[1:4]"],
                "text": [f"{name}[1:4]"],
                "email": [f"{name}[1:4]"],
                "phone": [f"{name}[-5:]"],
                "national_id": [f"{name}[-4:]"],
                "region": [],
                "country": [],
                "gender": [],
            }.get(column.kind, [name])
        ]
    return [(left, right) for (one, left), (other, right) in combinations(rough, 2) if one != other]


def choose_keys(connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping, into: str) -> list[Key]:
    """Create `into`, the table with its key columns k0, k1, ..., and give the keys, cheapest first.

    A small table gets one key that everybody shares: all pairs are compared.
    """
    (rows,) = connection.execute(f"select count(*) from {table}").fetchone()
    budget = max(PAIRS_AT_LEAST, PAIRS_PER_RECORD * rows)
    if rows * (rows - 1) // 2 <= budget:
        connection.execute(f"create table {into} as select *, 1 as k0 from {table}")
        return [Key("k0", "1", rows * (rows - 1) // 2, 0)]
    chosen: list[tuple[int, int, str]] = []
    for pairs, held, sql in sorted((*cost(connection, table, sql), sql) for sql in alone(mapping)):
        if pairs and sum(key[0] for key in chosen) + pairs <= budget // 2:
            chosen.append((pairs, held, sql))
    covered = {sql for _, held, sql in chosen if not held}
    twos = [f"{left} || '|' || {right}" for left, right in in_twos(mapping) if not covered & {left, right}]
    for pairs, held, sql in sorted((*cost(connection, table, sql), sql) for sql in twos):
        if pairs and sum(key[0] for key in chosen) + pairs <= budget:
            chosen.append((pairs, held, sql))
    keys = [Key(f"k{number}", sql, pairs, held) for number, (pairs, held, sql) in enumerate(sorted(chosen))]
    columns = "".join(
        f", case when count(*) over (partition by {key.expression}) <= {HELD_ABOVE} then {key.expression} end"
        f" as {key.column}"
        for key in keys
    )
    connection.execute(f"create table {into} as select *{columns} from {table}")
    return keys


def cost(connection: duckdb.DuckDBPyConnection, table: str, expression: str) -> tuple[int, int]:
    """Count the pairs that a key makes and the values it would hold."""
    return connection.execute(
        f"""select coalesce(sum(n * (n - 1) // 2) filter (n <= {HELD_ABOVE}), 0)::bigint,
            count(*) filter (n > {HELD_ABOVE})
        from (select count(*) as n from {table} where {expression} is not null group by {expression})"""
    ).fetchone()
