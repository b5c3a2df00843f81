"""What the columns of a table are: the mapping a user writes in YAML so that any table can be linked without code.

    record_id: customer_no            # optional; without it rows are numbered
    columns:
      first: given_name               # a column and its kind
      born: {kind: birth_date, format: "%d.%m.%Y"}
      birth: {kind: birth_date, from: [by, bm, bd]}   # year, month, day in three columns
    rules:                            # optional: equal in all of these means one person (ml/identity/rules.py)
      - [passport]
      - [mail, born]

Columns that are not named are not looked at.
"""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from pathlib import Path

import yaml

# Kinds and what else people call them.
KINDS: dict[str, tuple[str, ...]] = {
    "given_name": ("first_name", "forename"),
    "surname": ("last_name", "family_name"),
    "full_name": ("name",),
    "birth_date": ("date_of_birth", "dob"),
    "street": ("address", "address_1", "street_name"),
    "house_number": ("street_number",),
    "address_line": ("address_2",),
    "postcode": ("postal_code", "zip", "zip_code"),
    "town": ("city", "suburb"),
    "region": ("state", "county", "province"),
    "country": (),
    "phone": ("mobile", "telephone"),
    "email": ("email_address",),
    "national_id": ("ssn", "tax_id", "passport"),
    "gender": ("sex",),
    "text": (),
}
CALLED = {name: kind for kind, others in KINDS.items() for name in (kind, *others)}


class MappingError(ValueError):
    """The mapping says something that cannot be meant; the message names the column and what is allowed."""


@dataclass(frozen=True)
class Column:
    """One column to compare: `sources` are its columns in the table (three for a birth date in parts)."""

    name: str
    kind: str
    sources: tuple[str, ...]
    format: str | None = None


@dataclass(frozen=True)
class Mapping:
    """The columns of one table that say who somebody is."""

    columns: tuple[Column, ...]
    record_id: str | None = None
    rules: tuple[tuple[str, ...], ...] = ()
    sources: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", frozenset(name for column in self.columns for name in column.sources))

    def of_kind(self, *kinds: str) -> list[Column]:
        """Give the columns of these kinds, in the order of the mapping."""
        return [column for column in self.columns if column.kind in kinds]


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; `MappingError` says what is wrong with it."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise MappingError(f"{path} is not YAML: {error}") from error
    return read_mapping(content)


def read_mapping(content: object) -> Mapping:
    """Turn the content of a mapping file into a `Mapping`."""
    if not isinstance(content, Dictionary) or not isinstance(content.get("columns"), Dictionary):
        raise MappingError("A mapping has a key `columns` with one line `<column>: <kind>` per column.")
    unknown = set(content) - {"record_id", "columns", "rules"}
    if unknown:
        raise MappingError(f"Unknown keys in the mapping: {', '.join(sorted(map(str, unknown)))}.")
    columns = tuple(read_column(str(name), said) for name, said in content["columns"].items())
    if not columns:
        raise MappingError("The mapping names no column.")
    record_id = content.get("record_id")
    if record_id in {source for column in columns for source in column.sources}:
        raise MappingError(f"{record_id} is the record id; it cannot be compared as well.")
    rules = tuple((rule,) if isinstance(rule, str) else tuple(map(str, rule)) for rule in content.get("rules") or ())
    strangers = {name for rule in rules for name in rule} - {column.name for column in columns}
    if strangers or not all(rules):
        raise MappingError(f"A rule names columns of the mapping; {', '.join(sorted(strangers)) or 'nothing'} is none.")
    return Mapping(columns, None if record_id is None else str(record_id), rules)


def read_column(name: str, said: object) -> Column:
    """Turn one line of `columns` into a `Column`."""
    given = dict(said) if isinstance(said, Dictionary) else {"kind": said}
    unknown = set(given) - {"kind", "format", "from"}
    if unknown:
        raise MappingError(f"Column {name}: unknown keys {', '.join(sorted(map(str, unknown)))}.")
    kind = CALLED.get(str(given.get("kind")).lower())
    if kind is None:
        raise MappingError(f"Column {name}: unknown kind {given.get('kind')!r}. Kinds: {', '.join(KINDS)}.")
    sources = given.get("from", name)
    sources = (str(sources),) if isinstance(sources, str) else tuple(map(str, sources))
    if len(sources) != (3 if kind == "birth_date" and len(sources) > 1 else 1):
        raise MappingError(f"Column {name}: `from` is one column, or year, month and day of a birth date.")
    return Column(name, kind, sources, given.get("format"))
