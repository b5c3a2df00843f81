"""How two values are compared, by kind: ordered levels from "the same" to "something else" as SQL for Splink.

A level holds what its predecessors leave over. Weights are learned, never written here. Exact levels are adjusted by
term frequency: two people called Nguyen in Hanoi say less than two called Wolfeschlegelstein.

Evidence that follows from other evidence must not count twice. An e-mail address repeats the names, so its levels
stand once for each number of names that agree; the model weighs a level within its group.
(Without: 30,000 synthetic persons, pair precision 0.06; the model took namesakes for one person.)
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ml.identity.mapping import Column, Mapping

Level = dict[str, Any]
PERSONAL = frozenset({"given_name", "birth_date", "national_id", "gender"})
PLACES = frozenset({"street", "house_number", "address_line", "postcode", "town", "region", "country"})


def comparisons(mapping: Mapping) -> list[dict[str, Any]]:
    """Give Splink's comparisons; columns are called c0, c1, ... as `normalise` calls them.

    One for every mapped column, but one for postcode and town together and none for a region or country beside them:
    these follow from each other, and evidence that is counted twice joins neighbours.
    """
    numbered = {column: f"c{number}" for number, column in enumerate(mapping.columns)}
    given, surname = mapping.of_kind("given_name"), mapping.of_kind("surname")
    partners: dict[Column, str] = {}
    if given and surname:
        partners = {given[0]: numbered[surname[0]], surname[0]: numbered[given[0]]}
    postcodes, towns = mapping.of_kind("postcode"), mapping.of_kind("town")
    follows = set(mapping.of_kind("region", "country")) if postcodes or towns else set()
    place: dict[Column, str] = {}
    if postcodes and towns:
        place = {postcodes[0]: numbered[towns[0]]}
        follows.add(towns[0])
    named = [numbered[each[0]] for each in (given, surname or mapping.of_kind("full_name")) if each]
    return [
        {
            "output_column_name": name,
            "comparison_description": f"{column.name} ({column.kind})",
            "comparison_levels": [
                missing(unknown(column, name, partners.get(column), place.get(column))),
                *(
                    places(name, place[column])
                    if column in place
                    else beside_the_names(column, name, named)
                    if column.kind == "email" and named
                    else levels(column, name, partners.get(column))
                ),
                otherwise(),
            ],
        }
        for column, name in numbered.items()
        if column not in follows
    ]


def beside_the_names(column: Column, name: str, names: list[str]) -> Iterator[Level]:
    """Give the levels of an e-mail address once for each number of names (given name, surname) that agree."""
    agreeing = [f"coalesce(jaro_winkler_similarity({each}_l, {each}_r) >= 0.9, false)::int" for each in names]
    for number in reversed(range(len(names) + 1)):
        told = ("other names", "one name the same", "the same names")[number]
        for each in [*levels(column, name, None), level("different", "true")][: None if number else -1]:
            rarity = {"disable_tf_exact_match_detection": True} if "tf_adjustment_column" in each else {}
            condition = f"{' + '.join(agreeing)} = {number} and ({each['sql_condition']})"
            label = f"{told}, address {each['label_for_charts']}"
            yield each | rarity | {"sql_condition": condition, "label_for_charts": label, "group": number}


def groups(comparison: dict[str, Any]) -> np.ndarray:
    """Give the group of each level of a comparison, from "different" (0) to the highest."""
    return np.array([each.get("group", 0) for each in comparison["comparison_levels"][:0:-1]])


def roles(mapping: Mapping) -> tuple[str, ...]:
    """Give what each comparison tells apart: persons, places, or either ("shared": a family may have it in common)."""
    kinds = {f"c{number}": column.kind for number, column in enumerate(mapping.columns)}
    told = [kinds[comparison["output_column_name"]] for comparison in comparisons(mapping)]
    return tuple("person" if kind in PERSONAL else "place" if kind in PLACES else "shared" for kind in told)


def for_splink(comparison: dict[str, Any]) -> dict[str, Any]:
    """Give a comparison as Splink takes it, which knows no groups."""
    plain = [{key: value for key, value in each.items() if key != "group"} for each in comparison["comparison_levels"]]
    return comparison | {"comparison_levels": plain}


def places(postcode: str, town: str) -> Iterator[Level]:
    """Give the levels of postcode and town together."""
    near = within(f"{postcode}_l", f"{postcode}_r", 1)
    alike = f"jaro_winkler_similarity({town}_l, {town}_r) >= 0.9"
    code = f"{postcode}_l = {postcode}_r"
    yield rare(postcode, level("the same postcode and town", f"{code} and {town}_l = {town}_r"))
    yield rare(postcode, level("the same postcode, town alike", f"{code} and {alike}"))
    yield rare(postcode, level("the same postcode", code))
    yield rare(town, level("the same town, postcode nearly", f"{town}_l = {town}_r and {near}"))
    yield rare(town, level("the same town", f"{town}_l = {town}_r"))
    yield level("town alike, postcode nearly", f"{alike} and {near}")
    yield level("town alike", alike)
    yield level("postcode nearly", near)


def rare(name: str, of: Level) -> Level:
    """Weigh a level by how rare the value of a column is."""
    return of | {"tf_adjustment_column": name, "disable_tf_exact_match_detection": True}


def levels(column: Column, name: str, partner: str | None) -> Iterator[Level]:
    """Give the levels of a column between "missing" and "something else"."""
    left, right = f"{name}_l", f"{name}_r"
    if column.kind in ("given_name", "surname"):
        yield exact(name)
        if partner and column.kind == "given_name":
            yield level("names swapped or parted elsewhere", swapped(name, partner))
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
        near = f"{within(left, right, 2)} or {name}_local_l = {name}_local_r"
        yield level("one or two letters, or only the domain", near)
        yield level("alike", f"jaro_winkler_similarity({name}_local_l, {name}_local_r) >= 0.9")
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
    """Say that given name and surname stand in each other's place, or are parted elsewhere (Hans | Peter Kurz)."""
    one = f"jaro_winkler_similarity({given}_l, {surname}_r) >= 0.9"
    other = f"jaro_winkler_similarity({surname}_l, {given}_r) >= 0.9"
    turned = f"{one} and {other} and jaro_winkler_similarity({given}_l, {given}_r) < 0.9"
    shorter = f"starts_with({given}_l, {given}_r || ' ') or starts_with({given}_r, {given}_l || ' ')"
    whole = [f"{given}_{side} || ' ' || {surname}_{side}" for side in "lr"]
    parted = f"({shorter}) and jaro_winkler_similarity({whole[0]}, {whole[1]}) >= 0.95"
    return f"coalesce({turned} or {parted}, false)"


def unknown(column: Column, name: str, partner: str | None, town: str | None) -> str:
    """Say when a comparison tells nothing: a value is missing, or swapped names were already counted as given names."""
    if partner and column.kind == "surname":
        return f"{name}_l is null or {name}_r is null or {swapped(partner, name)}"
    if town:
        return f"({name}_l is null or {name}_r is null) and ({town}_l is null or {town}_r is null)"
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
