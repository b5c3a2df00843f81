"""Read which destinations there are: destinations.yml of this room and of $CX_HOME."""

import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from runtime.settings import settings

DESTINATIONS_FILE = Path(__file__).parents[1] / "destinations.yml"
NEEDS = {"file": (), "table": ("url_variable", "table"), "webhook": ("url_variable",), "mautic": ("url_variable",)}
NAME = r"^[a-z][a-z0-9_]*$"


class DestinationError(ValueError):
    """A destination is not described as it must be; the message names it and the key."""


class Destination(BaseModel):
    """One destination, as the README of this folder explains its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME)
    kind: Literal["file", "table", "webhook", "mautic"]
    owner: str = Field(min_length=1)
    purpose: str = Field(min_length=1)
    channels: list[str] | None = None
    fields: list[str] = ["action_id", "channel", "handover_to_human", "ai_disclosure", "quiet_hours"]
    customer_fields: list[str] = []
    url_variable: str | None = None
    token_variable: str | None = None
    user_variable: str | None = None
    password_variable: str | None = None
    table: str | None = Field(default=None, pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")
    folder: str | None = None
    format: Literal["jsonl", "csv"] = "jsonl"
    attempts: int = Field(default=5, ge=1, le=20)
    first_wait_seconds: float = Field(default=1.0, ge=0)

    @model_validator(mode="after")
    def _is_whole(self) -> "Destination":
        missing = [key for key in NEEDS[self.kind] if getattr(self, key) is None]
        if missing:
            raise ValueError(f"a destination of kind {self.kind} needs {', '.join(missing)}")
        if (self.user_variable is None) != (self.password_variable is None):
            raise ValueError("user_variable and password_variable belong together")
        if not self.fields and not self.customer_fields:
            raise ValueError("fields and customer_fields are empty: there is nothing to tell")
        told_twice = sorted(set(self.fields) & {*self.customer_fields, "customer_id"})
        if told_twice:
            raise ValueError(f"{', '.join(told_twice)} would be told twice")
        return self


def destinations() -> list[Destination]:
    """Return the destinations of both files, by name. Raises DestinationError."""
    found: dict[str, Destination] = {}
    for path in (DESTINATIONS_FILE, settings().home / "destinations.yml"):
        for name, given in _read(path).items():
            if name in found:
                raise DestinationError(f"{name} stands in two files; the second is {path.name} of CX_HOME.")
            try:
                found[name] = Destination(name=name, **given)
            except (ValidationError, TypeError) as problem:
                raise DestinationError(f"{path.name}: {name}: {_first_words(problem)}") from None
    return [found[name] for name in sorted(found)]


def _read(path: Path) -> dict:
    if not path.exists():
        return {}
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return dict(read["destinations"] or {})
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise DestinationError(f"{path.name} must hold a key `destinations` with names below it.") from None


def _first_words(problem: Exception) -> str:
    if not isinstance(problem, ValidationError):
        return "must hold keys and values"
    first = problem.errors(include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return re.sub(r"^: ", "", f"{place}: {first['msg']}")
