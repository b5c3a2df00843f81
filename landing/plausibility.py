"""What a contract may say of values beyond their type: a value that breaks it is marked as suspect, its row goes on.

Checks on one value are keys of the column; checks that compare columns or rows are the entity's list `checks`.
`expectations/suspicion.py` carries them out.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator


class Strict(BaseModel):
    """A part of a contract: unknown keys are mistakes, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlausibleRange(Strict):
    """The range in which a number, date or timestamp is believed; both ends belong to it."""

    minimum: float | date | None = None
    maximum: float | date | None = None


class ColumnChecks(Strict):
    """The keys of a column that mark values as suspect."""

    wanted: bool = False
    placeholders: tuple[str, ...] = ()
    pattern: str | None = None
    values: tuple[str, ...] = ()
    checksum: Literal["luhn"] | None = None
    plausible: PlausibleRange | None = None
    late_after_days: int | None = Field(default=None, ge=0)
    tidy: Literal["text", "name"] | None = None
    typos: bool = False

    @field_validator("placeholders", "values", mode="before")
    @classmethod
    def _as_texts(cls, given: Any) -> Any:
        """YAML reads 000000 as a number and 2025-01-01 as a day; what was meant cannot be told from that."""
        if isinstance(given, list) and (odd := [value for value in given if not isinstance(value, str)]):
            raise ValueError(f"write {odd[0]!r} in quotation marks, as the source writes it")
        return given

    @field_validator("pattern")
    @classmethod
    def _readable_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as mistake:
            raise ValueError(f"'{pattern}' is no regular expression: {mistake}") from None
        return pattern

    @model_validator(mode="after")
    def _range_fits_the_type(self) -> "ColumnChecks":
        kind = getattr(self, "type", "text")
        ends = (self.plausible.minimum, self.plausible.maximum) if self.plausible else ()
        wanted = {"integer": float, "decimal": float, "date": date, "timestamp": date}.get(kind)
        if self.plausible and (wanted is None or any(end is not None and not isinstance(end, wanted) for end in ends)):
            raise ValueError(f"plausible: type {kind} cannot be compared with these limits")
        if self.late_after_days is not None and kind not in ("date", "timestamp"):
            raise ValueError(f"late_after_days needs type date or timestamp, not {kind}")
        return self


class Determines(Strict):
    """Rows that agree in the columns `by` agree in the columns `determines` (a functional dependency)."""

    determines: tuple[str, ...] = Field(min_length=1)
    by: tuple[str, ...] = Field(min_length=1)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it compares."""
        return self.by + self.determines


class NotSwapped(Strict):
    """Values of the two columns do not stand in each other's place, judged by how often each is seen in either."""

    not_swapped: tuple[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it compares."""
        return self.not_swapped


class Ordered(Strict):
    """The columns' moments or numbers do not fall from left to right; empty ones are left out."""

    ordered: tuple[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it compares."""
        return self.ordered


class OneFilled(Strict):
    """At least one of the columns has a value."""

    one_filled: tuple[str, ...] = Field(min_length=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that it compares."""
        return self.one_filled


KINDS = {"determines": Determines, "not_swapped": NotSwapped, "ordered": Ordered, "one_filled": OneFilled}


def _kind(given: Any) -> str | None:
    keys = given if isinstance(given, dict) else vars(given)
    return next((name for name in KINDS if name in keys), None)


Check = Annotated[
    Annotated[Determines, Tag("determines")]
    | Annotated[NotSwapped, Tag("not_swapped")]
    | Annotated[Ordered, Tag("ordered")]
    | Annotated[OneFilled, Tag("one_filled")],
    Discriminator(
        _kind,
        custom_error_type="unknown_check",
        custom_error_message=f"a check has one of the keys {', '.join(KINDS)}",
    ),
]


def check_faults(checks: tuple[Check, ...], types: dict[str, str]) -> Iterator[str]:
    """Name what is wrong with an entity's checks; `types` maps its columns to their types."""
    for check in checks:
        kind = _kind(check)
        if unknown := [name for name in check.columns if name not in types]:
            yield f"checks: {kind}: there is no column {', '.join(unknown)}"
        elif kind == "ordered" and (
            len({types[name] for name in check.columns}) > 1 or types[check.columns[0]] in ("text", "boolean")
        ):
            yield f"checks: ordered: {' and '.join(check.columns)} must have the same type, a number, date or timestamp"
