"""How two values are compared, by kind: ordered levels from "the same" to "something else" as SQL for Splink.

A level holds what its predecessors leave over. Weights are learned, never written here. Exact levels are adjusted by
term frequency: two people called Nguyen in Hanoi say less than two called Wolfeschlegelstein.
"""

from collections.abc import Iterator
from typing import Any

from ml.identity.mapping import Column, Mapping

Level = dict[str, Any]


def comparisons(mapping: Mapping) -> list[dict[str, Any]]:
    """Give Splink's comparison for every mapped column; columns are called c0, c1, ... as `normalise` calls them."""
    numbered = {column: f"c{number}" for number, column in enumerate(mapping.columns)}
    given, surname = mapping.of_kind("given_name"), mapping.of_kind("surname")
    partners: dict[Column, str] = {}
    if given and surname:
        partners = {given[0]: numbered[surname[0]], surname[0]: numbered[given[0]]}
    return [
        {
            "output_column_name": name,
            "comparison_description": f"{column.name} ({column.kind})",
            "comparison_levels": [
                missing(unknown(column, name, partners.get(column))),
                *levels(column, name, partners.get(column)),
                otherwise(),
            ],
        }
        for column, name in numbered.items()
    ]


def levels(column: Column, name: str, partner: str | None) -> Iterator[Level]:
    """Give the levels of a column between "missing" and "something else"."""
    left, right = f"{name}_l", f"{name}_r"
    if column.kind in ("given_name", "surname"):
        yield exact(name)
        if partner and column.kind == "given_name":
            yield level("names swapped", swapped(name, partner))
        yield level("one letter", f"{within(left, right, 1)}")
        yield level("alike", f"jaro_winkler_similarity({left}, {right}) >= 0.9")
        short = f"starts_with({left}, {right}) or starts_with({right}, {left})"
        yield level(
            "sounds alike or shortened",
            f"{name}_sound_l = {name}_sound_r or {short} or jaro_winkler_similarity({left}, {right}) >= 0.8"
            f" or {within(left, right, 2)}",
        )
        if partner and column.kind == "given_name":
            yield level("one name in the other's place", f"{left} = {partner}_r or {partner}_l = {right}")
    elif column.kind == "full_name":
        yield exact(name)
        tokens = f"list_sort(string_split({left}, ' '))", f"list_sort(string_split({right}, ' '))"
        yield level("words in another order", f"{tokens[0]} = {tokens[1]}")
        yield level("alike", f"jaro_winkler_similarity({left}, {right}) >= 0.92")
        shared = f"len(list_intersect(string_split({left}, ' '), string_split({right}, ' ')))"
        yield level("two words shared", f"{shared} >= 2")
        yield level("similar", f"jaro_winkler_similarity({left}, {right}) >= 0.8 or {name}_sound_l = {name}_sound_r")
        yield level("one word shared", f"{shared} >= 1")
    elif column.kind == "birth_date":
        yield level("the same", f"{left} = {right}")
        turned = f"{left}[1:4] = {right}[1:4] and {left}[5:6] = {right}[7:8] and {left}[7:8] = {right}[5:6]"
        yield level("day and month swapped", turned)
        yield level("one digit", f"{within(left, right, 1)}")
        parts = [f"({left}[{part}] = {right}[{part}])::int" for part in ("1:4", "5:6", "7:8")]
        yield level("two of year, month and day", f"{' + '.join(parts)} = 2")
        yield level("two digits", f"{within(left, right, 2)}")
        yield level("year only", f"{left}[1:4] = {right}[1:4]")
    elif column.kind == "email":
        yield exact(name)
        yield level("one or two letters", f"{within(left, right, 2)}")
        yield level("same name, other domain", f"{name}_local_l = {name}_local_r")
        yield level("alike", f"jaro_winkler_similarity({name}_local_l, {name}_local_r) >= 0.9")
        yield level("same domain", f"{name}_domain_l = {name}_domain_r")
    elif column.kind == "phone":
        yield exact(name)
        yield level("same last seven digits", f"right({left}, 7) = right({right}, 7)")
        yield level("one digit", f"{within(left, right, 1)}")
    elif column.kind == "national_id":
        yield exact(name)
        yield level("one sign", f"{within(left, right, 1)}")
        yield level("two signs", f"{within(left, right, 2)}")
    elif column.kind in ("house_number", "postcode"):
        yield exact(name)
        yield level("one sign", f"length({left}) > 1 and {within(left, right, 1)}")
        if column.kind == "postcode":
            yield level("two signs", f"{within(left, right, 2)}")
    elif column.kind in ("region", "country", "gender"):
        yield exact(name)
    else:
        yield exact(name)
        yield level("one or two letters", f"{within(left, right, 2)} and length({left}) >= 6")
        yield level("alike", f"jaro_winkler_similarity({left}, {right}) >= 0.9")
        yield level("similar", f"jaro_winkler_similarity({left}, {right}) >= 0.8")


def swapped(given: str, surname: str) -> str:
    """Say that given name and surname stand in each other's place, nearly as written."""
    one = f"jaro_winkler_similarity({given}_l, {surname}_r) >= 0.9"
    other = f"jaro_winkler_similarity({surname}_l, {given}_r) >= 0.9"
    return f"coalesce({one} and {other} and jaro_winkler_similarity({given}_l, {given}_r) < 0.9, false)"


def unknown(column: Column, name: str, partner: str | None) -> str:
    """Say when a comparison tells nothing: a value is missing, or swapped names were already counted as given names."""
    if partner and column.kind == "surname":
        return f"{name}_l is null or {name}_r is null or {swapped(partner, name)}"
    return f"{name}_l is null or {name}_r is null"


def exact(name: str) -> Level:
    """Equal values, weighed by how rare the value is."""
    return {"sql_condition": f"{name}_l = {name}_r", "label_for_charts": "the same", "tf_adjustment_column": name}


def level(label: str, condition: str) -> Level:
    """Any other degree of likeness."""
    return {"sql_condition": condition, "label_for_charts": label}


def within(left: str, right: str, edits: int) -> str:
    """Say that at most `edits` letters are wrong, missing, too many or swapped with their neighbour.

    Levenshtein counts a swap as two, so twice as many bounds it; it costs a fifth (DuckDB 2.0: 0.1 against 0.5 µs a
    pair of names), and CASE works the dear one out only for the few that are left.
    """
    near = f"levenshtein({left}, {right}) <= {2 * edits}"
    return f"(case when {near} then damerau_levenshtein({left}, {right}) <= {edits} else false end)"


def missing(condition: str) -> Level:
    """Nothing can be said: no evidence for or against."""
    return {"sql_condition": condition, "label_for_charts": "missing", "is_null_level": True}


def otherwise() -> Level:
    """Something else."""
    return {"sql_condition": "ELSE", "label_for_charts": "different"}
