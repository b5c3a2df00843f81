"""The departments' contracts: what each hands over, in what form, how fresh it must be, what is personal data.

A contract is `landing/departments/<department>.yml`, those of a demo company are in the folder of that name below;
`docs/contracts.md` explains every key. Reading one checks it completely, so that a mistake is told by file and key
before anything is landed.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from landing.columns import Column, Name
from landing.plausibility import Check, ColumnChecks, Strict, check_faults
from runtime.company import contract_files
from runtime.settings import settings

VariableName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class ContractError(ValueError):
    """A contract cannot be used; the message names the file and the key."""


class Freshness(Strict):
    """How many days the newest delivery may be behind `as_of` before the gate warns, and before it holds."""

    warn_after_days: int = Field(ge=0)
    hold_after_days: int = Field(ge=0)

    @model_validator(mode="after")
    def _warn_first(self) -> "Freshness":
        if self.hold_after_days < self.warn_after_days:
            raise ValueError("hold_after_days must not be below warn_after_days")
        return self


class FileSource(Strict):
    """The department drops files below the exports folder."""

    kind: Literal["file"]


class SqlSource(Strict):
    """The department opens a database; its URL stands in the environment variable named here."""

    kind: Literal["sql"]
    url_variable: VariableName


class RestSource(Strict):
    """The department offers an HTTP API; base URL and bearer token stand in the environment variables named here."""

    kind: Literal["rest"]
    url_variable: VariableName
    token_variable: VariableName | None = None


class Entity(Strict):
    """One kind of record that a department hands over; becomes the table `raw_<department>.<name>`."""

    name: Name
    description: str = ""
    load: Literal["append", "snapshot"]
    columns: tuple[Column, ...] = Field(min_length=1)
    keys: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    cursor: str | None = None
    optional: bool = False
    freshness: Freshness
    minimum_rows_share: float = Field(default=0.0, ge=0.0, le=1.0)
    # kind file
    path: str | None = None
    format: Literal["csv", "jsonl", "parquet"] | None = None
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    # kind sql
    table: str | None = None
    # kind rest
    endpoint: str | None = None
    records: str = "$"
    paginator: dict[str, Any] | None = None
    cursor_parameter: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in the order of the contract."""
        return tuple(column.name for column in self.columns)

    @property
    def personal_columns(self) -> tuple[str, ...]:
        """The names of the columns that hold personal data."""
        return tuple(column.name for column in self.columns if column.personal_data)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError as unknown:
            raise ValueError(f"'{encoding}' is no known encoding; write for example utf-8 or latin-1") from unknown
        return encoding

    @field_validator("path")
    @classmethod
    def _dated_path(cls, path: str | None) -> str | None:
        if path is None:
            return path
        name = Path(path).name
        if path.count("{date}") != 1 or "{date}" not in name:
            raise ValueError("must hold {date} exactly once, in the file's name")
        if path.count("{part}") > 1 or ("{part}" in path and "{part}" not in name):
            raise ValueError("may hold {part} once, in the file's name")
        if path.startswith("/") or ".." in Path(path).parts:
            raise ValueError("must stay below the exports folder")
        return path

    @model_validator(mode="after")
    def _columns_fit(self) -> "Entity":
        names = self.column_names
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"columns are listed twice: {', '.join(doubled)}")
        delivered = [name for column in self.columns for name in column.source_names]
        if doubled := sorted({name for name in delivered if delivered.count(name) > 1}):
            raise ValueError(f"the same name stands twice in delivered_as: {', '.join(doubled)}")
        unknown = [name for name in (*self.keys, *([self.cursor] if self.cursor else [])) if name not in names]
        if unknown:
            raise ValueError(f"keys and cursor must be among the columns; unknown: {', '.join(unknown)}")
        named = {name for column in self.columns for name in (column.country, *column.when) if name}
        if unknown := sorted(named - set(names)):
            raise ValueError(f"country and when must name columns; unknown: {', '.join(unknown)}")
        for fault in check_faults(self.checks, {column.name: column.type for column in self.columns}):
            raise ValueError(fault)
        return self

    @property
    def marks_suspects(self) -> bool:
        """Tell whether the contract says anything of values beyond their type."""
        untold = ColumnChecks()
        fields = ColumnChecks.model_fields
        return bool(self.checks) or any(
            getattr(column, name) != getattr(untold, name) for column in self.columns for name in fields
        )


class Contract(Strict):
    """What one department hands over."""

    department: Name
    owner: str = Field(min_length=1)
    description: str = Field(min_length=1)
    time_zone: str
    source: Annotated[FileSource | SqlSource | RestSource, Field(discriminator="kind")]
    retention_days: int = Field(gt=0)
    entities: tuple[Entity, ...] = Field(min_length=1)

    @property
    def raw_schema(self) -> str:
        """The schema that this department is landed in."""
        return f"raw_{self.department}"

    def hands_over(self, *names: str) -> bool:
        """Tell whether all these entities are in the contract: companies differ in what a department has."""
        return set(names) <= {entity.name for entity in self.entities}

    def entity(self, name: str) -> Entity:
        """Return the entity of that name. Raises KeyError if the contract has none."""
        for entity in self.entities:
            if entity.name == name:
                return entity
        raise KeyError(f"{self.department} has no entity '{name}'")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"'{zone}' is no IANA time zone; write for example UTC or Europe/Berlin")
        return zone

    @model_validator(mode="after")
    def _entities_fit_the_source(self) -> "Contract":
        names = [entity.name for entity in self.entities]
        if len(set(names)) < len(names):
            raise ValueError("two entities have the same name")
        needed, kind = {"file": ("path", "format"), "sql": ("table",), "rest": ("endpoint",)}, self.source.kind
        belongs = {key: owner for owner, keys in needed.items() for key in keys}
        belongs |= {"paginator": "rest", "cursor_parameter": "rest"}
        for entity in self.entities:
            for key in needed[kind]:
                if getattr(entity, key) is None:
                    raise ValueError(f"entity '{entity.name}' needs the key '{key}' (source kind {kind})")
            for key, owner in belongs.items():
                if owner != kind and getattr(entity, key) is not None:
                    raise ValueError(f"entity '{entity.name}': the key '{key}' belongs to source kind {owner}")
            if kind != "file" and entity.load == "append" and entity.cursor is None:
                raise ValueError(f"entity '{entity.name}' needs the key 'cursor': what is new since the last run?")
            if kind == "rest" and (entity.cursor is None) != (entity.cursor_parameter is None):
                raise ValueError(f"entity '{entity.name}': cursor and cursor_parameter belong together")
        return self


def departments() -> list[str]:
    """Name every department that has a contract, in alphabetical order."""
    return sorted(contract_files(settings()))


def load_contract(department: str) -> Contract:
    """Read and check one contract. Raises ContractError with the file and each wrong key."""
    files = contract_files(settings())
    path = files.get(department)
    if path is None:
        known = ", ".join(sorted(files)) or "none"
        raise ContractError(f"{department}.yml: there is no such contract. Known departments: {known}.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise ContractError(f"{path.name}: this is not readable YAML: {problem}") from problem
    if not isinstance(content, dict):
        raise ContractError(f"{path.name}: the file must hold keys and values, as in docs/contracts.md.")
    try:
        contract = Contract.model_validate(content)
    except ValidationError as problems:
        lines = [f"{path.name}: {_key(content, error['loc'])}: {_sentence(error)}" for error in problems.errors()]
        raise ContractError("\n".join(lines)) from None
    if contract.department != department:
        raise ContractError(f"{path.name}: department: is '{contract.department}', but the file is named {path.name}.")
    return contract


def _key(content: dict, location: tuple) -> str:
    """Write the place of an error the way a person would look for it: entities[transactions].columns[week].type."""
    text, here = "", content
    for step in location:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            name = here.get("name", step) if isinstance(here, dict) else step
            text += f"[{name}]"
        elif isinstance(here, dict) and here.get("kind") == step:
            continue  # the discriminator that pydantic puts into the path of `source`
        else:
            here = here.get(step) if isinstance(here, dict) else None
            text += f".{step}" if text else str(step)
    return text or "the whole file"


def _sentence(error: dict) -> str:
    if error["type"] == "extra_forbidden":
        return "this key does not exist; see docs/contracts.md for the keys there are."
    if error["type"] == "missing":
        return "this key is missing."
    return re.sub(r"^Value error, ", "", error["msg"]) + "."
