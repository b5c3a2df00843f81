"""Which pairs are looked at: keys of one or two columns, as rough as a budget of pairs allows.

A pair is a candidate if it agrees in one key. Every column has a ladder of ways to look at it, from rough ("the year")
to fine ("the day"). Any two columns make keys; all keys may cost the same, and that cost is the highest at which all
keys together stay within the budget. So a small table gets rough keys that forgive much, and a large one, where
they would be too dear, gets the finer ones in their place. (Cheapest rough keys first, the rule before, left out
whole pairs of columns: recall .998 at 30,000 records, .912 at 1,000,000.)
"""

from dataclasses import dataclass
from itertools import combinations

import duckdb

from ml.identity.mapping import Column, Mapping

PAIRS_PER_RECORD = 15  # candidate pairs per record that all keys together may cost; ten are too few (docs/decisions.md)
PAIRS_AT_LEAST = 1_000_000  # what a small table may cost in any case: seconds
HELD_ABOVE = 500  # records that share a value of a key, 125,000 pairs; above, the value is held
ALL_PAIRS = "all pairs"
ALL_PAIRS_UNTIL = 2_000  # records until which a model learned from all pairs of a small table still compares them all
SAMPLE = 100_000  # records from which the cost of keys is estimated


@dataclass(frozen=True)
class Key:
    """A blocking key: `parts`, the SQL of what must be equal; `says`, the same in words; `limit`, records that may
    share a value."""

    parts: tuple[str, ...]
    says: str
    limit: int = HELD_ABOVE


@dataclass(frozen=True)
class Look:
    """One way to look at a column: its SQL, what it says, the column (by number), and the SQL of the rougher ways that
    agree wherever this one does."""

    sql: str
    says: str
    column: int
    implies: frozenset[str] = frozenset()


# By kind: rungs from rough to fine, each a list of (what, SQL), and the first rung that may be a key alone.
# A rung implies all below it, but what stands in NOT_IMPLIED.
NOT_IMPLIED = {("day and month in any order", "day of the year")}
LADDERS: dict[str, tuple[list[list[tuple[str, str]]], int]] = {
    "birth_date": (
        [
            [("year", "{}[1:4]"), ("day of the year", "{}[5:8]")],
            [("day and month in any order", "{0}[1:4] || least({0}[5:6], {0}[7:8]) || greatest({0}[5:6], {0}[7:8])")],
            [("whole", "{}")],
        ],
        1,
    ),
    "given_name": ([[("sound", "{}_sound"), ("3 letters", "{}[1:3]")], [("whole", "{}")]], 0),
    "surname": ([[("sound", "{}_sound"), ("3 letters", "{}[1:3]")], [("whole", "{}")]], 0),
    "full_name": ([[("sound", "{}_sound"), ("4 letters", "{}[1:4]")], [("whole", "{}")]], 0),
    "street": ([[("5 letters", "{}[1:5]")], [("whole", "{}")]], 1),
    "house_number": ([[("whole", "{}")]], 1),
    "email": ([[("4 letters", "{}[1:4]")], [("before the @", "{}_local")], [("whole", "{}")]], 1),
    "phone": ([[("last 5", "{}[-5:]")], [("last 7", "right({}, 7)")], [("whole", "{}")]], 1),
    "national_id": ([[("last 4", "{}[-4:]")], [("whole", "{}")]], 1),
    "postcode": ([[("whole", "{}")]], 0),
    "region": ([], 0),
    "country": ([], 0),
    "gender": ([], 0),
}
WORDS: tuple[list[list[tuple[str, str]]], int] = ([[("4 letters", "{}[1:4]")], [("whole", "{}")]], 1)


def looks(mapping: Mapping) -> tuple[list[Look], list[Look]]:
    """Give all ways to look at the columns, and those that may be a key alone."""
    every, alone = [], []
    for number, column in enumerate(mapping.columns):
        rungs, first = LADDERS.get(column.kind, WORDS)
        below: list[tuple[str, str]] = []
        for rung, ways in enumerate(rungs):
            written = [(what, f"({sql.format(f'c{number}')})") for what, sql in ways]
            found = [
                Look(
                    sql,
                    f"{column.name} ({what})",
                    number,
                    frozenset(other for beneath, other in below if (what, beneath) not in NOT_IMPLIED),
                )
                for what, sql in written
            ]
            below += written
            every += found
            alone += found if rung >= first else []
    given, surname = mapping.of_kind("given_name"), mapping.of_kind("surname")
    if given and surname:
        both = names_in_any_order(mapping, given[0], surname[0])
        alone.append(both)
    return every, alone


def names_in_any_order(mapping: Mapping, given: Column, surname: Column) -> Look:
    """Look at the sounds of both names, whichever stands first; people whose names sound the same are left out."""
    one, other = (f"c{mapping.columns.index(column)}_sound" for column in (given, surname))
    sql = f"nullif(least({one}, {other}) || '|' || greatest({one}, {other}), {one} || '|' || {one})"
    return Look(sql, f"{given.name} and {surname.name} (sounds in any order)", -1)


def choose_keys(connection: duckdb.DuckDBPyConnection, table: str, mapping: Mapping) -> tuple[Key, ...]:
    """Choose the keys for a table of normalised records, cheapest first.

    A small table gets a key that everybody shares as well: all its pairs are compared.
    """
    (rows,) = connection.execute(f"select count(*) from {table}").fetchall()[0]
    budget = max(PAIRS_AT_LEAST, PAIRS_PER_RECORD * rows)
    every, alone = looks(mapping)
    numbered = {look: f"p{number}" for number, look in enumerate(dict.fromkeys([*every, *alone]))}
    share = min(1.0, SAMPLE / max(rows, 1))
    columns = ", ".join(
        f"case when {look.sql} is not null then hash({look.sql}) end as {name}" for look, name in numbered.items()
    )
    connection.execute(
        f"create or replace temp table looked_at as select {columns} from {table} "
        f"where hash(record, 11) % 1000000 < {round(share * 1_000_000)}"
    )
    twos = [pair for pair in combinations(every, 2) if pair[0].column != pair[1].column]
    costs = {}
    for key in [*((look,) for look in alone), *twos]:
        pairs, holds = cost(connection, [numbered[look] for look in key], share)
        if pairs:
            costs[key] = (pairs, holds)
    connection.execute("drop table looked_at")
    chosen = within_budget(costs, budget)
    keys = [Key(tuple(look.sql for look in key), " + ".join(look.says for look in key)) for key in chosen]
    if rows * (rows - 1) // 2 <= budget:
        keys.insert(0, Key(("1",), ALL_PAIRS, ALL_PAIRS_UNTIL))
    return tuple(keys)


def within_budget(costs: dict[tuple[Look, ...], tuple[float, bool]], budget: float) -> list[tuple[Look, ...]]:
    """Choose the roughest keys of at most one cost each that stay within the budget together.

    `costs`: pairs that a key makes and whether it holds values back. A key is not needed beside a rougher one that
    holds nothing.
    """
    ordered = sorted(costs, key=lambda key: (costs[key][0], [look.sql for look in key]))
    low, high, best = 0, len(ordered), []
    while low < high:
        middle = (low + high + 1) // 2
        affordable = ordered[:middle]
        open_ones = {key for key in affordable if not costs[key][1]}
        needed = [key for key in affordable if not any(other in open_ones for other in rougher(key, open_ones))]
        if sum(costs[key][0] for key in needed) <= budget:
            low, best = middle, needed
        else:
            high = middle - 1
    return best


def rougher(key: tuple[Look, ...], among: set[tuple[Look, ...]]) -> list[tuple[Look, ...]]:
    """Give the keys that agree wherever `key` does."""
    return [
        other
        for other in among
        if other != key and all(any(mine == its or its.sql in mine.implies for mine in key) for its in other)
    ]


def cost(connection: duckdb.DuckDBPyConnection, parts: list[str], share: float) -> tuple[float, bool]:
    """Estimate the pairs that a key makes in the whole table, and whether it would hold values."""
    names = ", ".join(parts)
    known = " and ".join(f"{part} is not null" for part in parts)
    pairs, held = connection.execute(
        f"""select coalesce(sum(n * (n - 1) // 2) filter (n <= {HELD_ABOVE * share}), 0)::bigint,
            count(*) filter (n > {HELD_ABOVE * share})
        from (select count(*) as n from looked_at where {known} group by {names} having count(*) > 1)"""
    ).fetchall()[0]
    return pairs / share**2, held > 0
