"""What other rules would change, worked out and thrown away: nothing is written."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from ml.identity.person_records import load_person_records
from ml.identity.resolve import find
from ml.identity.steward import Entity
from runtime.warehouse import transaction

LARGEST = 10


@dataclass(frozen=True)
class Change:
    """Customers whose entities are grouped anew: what they are now and would be, the entities concerned, and two of
    them that come together or part."""

    now: tuple[str, ...]
    then: tuple[str, ...]
    entities: int
    example: tuple[Entity, Entity]

    @property
    def says(self) -> str:
        """Say what happens."""
        if len(self.then) == 1:
            return "merged"
        return "split" if len(self.now) == 1 else "regrouped"


@dataclass(frozen=True)
class DryRun:
    """What would change on a day: customers now and then; ids that would be new; entities that would move to another
    id; customers that would be made of several, or be split into several; and the largest changes."""

    as_of: date
    customers_now: int
    customers_then: int
    new: int
    moved: int
    merged: int
    split: int
    largest: tuple[Change, ...]


def try_rules(path: Path, as_of: date) -> DryRun:
    """Work out the customers of a day under the rules in force and under those of a file, and compare them.

    Raises `MappingError` for a file that cannot be meant. The transaction is rolled back whatever happens.
    """
    tried = load_person_records(path)
    with transaction() as connection:
        try:
            now, then = find(connection, as_of), find(connection, as_of, tried)
        finally:
            connection.rollback()
    return compare(now, then, as_of)


def compare(now: pd.DataFrame, then: pd.DataFrame, as_of: date) -> DryRun:
    """Compare two tables of `entity_kind, source_key, customer_id`."""
    keys = ["entity_kind", "source_key"]
    both = now[[*keys, "customer_id"]].merge(then[[*keys, "customer_id"]], on=keys, suffixes=("_now", "_then"))
    links = both[["customer_id_now", "customer_id_then"]].drop_duplicates()
    parts = links["customer_id_now"].value_counts()
    origins = links["customer_id_then"].value_counts()
    known = set(both["customer_id_now"])
    return DryRun(
        as_of,
        len(known),
        both["customer_id_then"].nunique(),
        len(set(both["customer_id_then"]) - known),
        int((both["customer_id_now"] != both["customer_id_then"]).sum()),
        int((origins > 1).sum()),
        int((parts > 1).sum()),
        tuple(largest_changes(both, parts, origins)),
    )


def largest_changes(both: pd.DataFrame, parts: pd.Series, origins: pd.Series) -> list[Change]:
    """Give the groups of customers that exchange entities, the most entities first."""
    is_regrouped = both["customer_id_now"].map(parts).gt(1) | both["customer_id_then"].map(origins).gt(1)
    touched = both[is_regrouped]
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    for before, after in zip(touched["customer_id_now"], touched["customer_id_then"], strict=True):
        one, other = sorted((root(f"now {before}"), root(f"then {after}")))
        group[other] = one
    gathered: dict[str, list[tuple[str, str, Entity]]] = defaultdict(list)
    for kind, key, before, after in touched.itertuples(index=False):
        gathered[root(f"now {before}")].append((before, after, Entity(kind, key)))
    changes = [
        Change(
            tuple(sorted({before for before, *_ in rows})),
            tuple(sorted({after for _, after, _ in rows})),
            len(rows),
            example(sorted(rows, key=lambda row: row[2])),
        )
        for rows in gathered.values()
    ]
    return sorted(changes, key=lambda change: (-change.entities, change.now))[:LARGEST]


def example(rows: list[tuple[str, str, Entity]]) -> tuple[Entity, Entity]:
    """Give two entities that come together or part, accounts and contacts before cards."""
    ordered = sorted(rows, key=lambda row: row[2].kind == "card")
    for number, (before, after, entity) in enumerate(ordered):
        for other_before, other_after, other in ordered[number + 1 :]:
            if (before == other_before) != (after == other_after):
                return entity, other
    return ordered[0][2], ordered[-1][2]
