"""A column in a department's contract: its name, what the source calls it, how it writes its values."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from landing.plausibility import ColumnChecks

# Becomes a name in PostgreSQL (63 bytes at most) that needs no quotes and that dlt's snake_case leaves as it is.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=50)]
Type = Literal["text", "integer", "decimal", "timestamp", "date", "boolean"]
# What a value identifies; normalisation/kinds.py writes each in one way.
Kind = Literal["email", "phone", "postcode", "person_name", "street", "town", "user_agent"]
# How a source writes a value, if not as PostgreSQL reads it; `dbt_project/macros/formats.sql` reads each of them.
FORMATS = {
    "DD.MM.YYYY": "date",
    "DD.MM.YYYY HH24:MI": "timestamp",
    "YYYYMMDDHH24MISS": "timestamp",
    "epoch_seconds": "timestamp",
    "epoch_milliseconds": "timestamp",
    "decimal_comma": "decimal",
    "J/N": "boolean",
}


class Column(ColumnChecks):
    """One column: its name in the raw table, what the source calls it if that differs, what its values must be."""

    name: Name
    delivered_as: str | tuple[str, ...] = ()
    type: Type = "text"
    format: str | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    personal_data: bool = False
    normalise: Kind | None = None
    country: str | None = None
    when: dict[str, str] = {}
    description: str = ""

    @property
    def source_names(self) -> tuple[str, ...]:
        """The names that the source uses: after a renaming the old and the new one; the first filled counts."""
        names = (self.delivered_as,) if isinstance(self.delivered_as, str) else self.delivered_as
        return tuple(filter(None, names)) or (self.name,)

    @property
    def source_name(self) -> str:
        """The name that the source uses first of all."""
        return self.source_names[0]

    @model_validator(mode="after")
    def _format_fits_the_type(self) -> "Column":
        if self.format is not None and FORMATS.get(self.format) != self.type:
            fitting = ", ".join(name for name, kind in FORMATS.items() if kind == self.type) or "none"
            raise ValueError(f"type {self.type} has no format '{self.format}'; there is: {fitting}")
        return self

    @model_validator(mode="after")
    def _country_fits_the_kind(self) -> "Column":
        if self.country is not None and self.normalise not in ("phone", "postcode"):
            raise ValueError("country belongs to normalise: phone or postcode")
        if self.when and self.normalise is None:
            raise ValueError("when belongs to normalise")
        return self

    @model_validator(mode="after")
    def _range_needs_a_number(self) -> "Column":
        if (self.minimum is not None or self.maximum is not None) and self.type not in ("integer", "decimal"):
            raise ValueError(f"minimum and maximum need type integer or decimal, not {self.type}")
        return self
