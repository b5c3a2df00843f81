"""Deterministic rules: columns that, all equal, make two records one person without a model.

They are data (`rules:` in the mapping). A value shared by more entities than `HELD_ABOVE` is held, not merged: a
switchboard's number, `noreply@`. What is held is returned, so that somebody can look at it.
"""

from ml.identity.mapping import Mapping

HELD_ABOVE = 10  # accounts or contacts of one person that share an identifier; more are suspicious
CERTAIN = 20.0  # log2 odds that a rule is worth: beyond `partition.CLIP`, so as much as a pair can count


def rules_of(mapping: Mapping) -> list[tuple[str, tuple[str, ...]]]:
    """Give each rule's name and the comparison columns that it wants equal."""
    names = {column.name: f"c{number}" for number, column in enumerate(mapping.columns)}
    return [(" + ".join(rule), tuple(names[name] for name in rule)) for rule in mapping.rules]
