"""Every setting of the platform, read in one place.

A setting is an environment variable with the prefix `CX_`; the same names may stand in `$CX_HOME/settings.env`,
and the environment wins. An empty value means "not set", except where the field says otherwise.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from dotenv import dotenv_values

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "CX_"
DATASETS = ("complete_journey", "nordhaus", "none")
# The first and the last business day that the demo plays.
DEMO_DAYS = {"complete_journey": ("2017-12-28", "2017-12-31"), "nordhaus": ("2025-06-29", "2025-07-02")}


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names the setting and what to write instead."""


@dataclass(frozen=True)
class Settings:
    """The settings of one installation. `root` is the checkout; every other field is the setting `CX_<FIELD>`."""

    root: Path
    home: Path
    exports_dir: Path
    warehouse_url: str | None
    postgres_port: int | None
    airflow_port: int | None
    mlflow_port: int | None
    dataset: str
    demo_promotions: bool
    demo_first: date
    demo_last: date
    demo_households: int | None
    demo_people: int
    land_schedule: str | None
    dbt_threads: int
    exploration_seed: int
    start_timeout_seconds: int

    @property
    def secrets_dir(self) -> Path:
        """Where the generated passwords are (mode 700)."""
        return self.home / "secrets"

    @property
    def logs_dir(self) -> Path:
        """Where every service writes its log."""
        return self.home / "logs"


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environment` (default: this process's) and `$CX_HOME/settings.env`.

    Raises SettingsError if a value cannot be read.
    """
    environment = os.environ if environment is None else environment
    home = _path(environment.get("CX_HOME") or ".cxloop")
    on_file = {name: text or "" for name, text in dotenv_values(home / "settings.env").items()}
    _refuse_unknown(on_file, home / "settings.env")
    given = {**on_file, **{name: text for name, text in environment.items() if name.startswith(PREFIX)}}

    def text(name: str, default: str = "") -> str:
        return given.get(PREFIX + name, "").strip() or default

    dataset = _one_of("DATASET", text("DATASET", "nordhaus"), DATASETS)
    demo_first, demo_last = DEMO_DAYS.get(dataset, DEMO_DAYS["complete_journey"])
    return Settings(
        root=ROOT,
        home=home,
        exports_dir=_path(text("EXPORTS_DIR", str(home / "exports"))),
        warehouse_url=_warehouse_url(text("WAREHOUSE_URL")),
        postgres_port=_port("POSTGRES_PORT", text("POSTGRES_PORT")),
        airflow_port=_port("AIRFLOW_PORT", text("AIRFLOW_PORT")),
        mlflow_port=_port("MLFLOW_PORT", text("MLFLOW_PORT")),
        dataset=dataset,
        demo_promotions=_one_of("DEMO_PROMOTIONS", text("DEMO_PROMOTIONS", "0"), ("0", "1")) == "1",
        demo_first=_day("DEMO_FIRST", text("DEMO_FIRST", demo_first)),
        demo_last=_day("DEMO_LAST", text("DEMO_LAST", demo_last)),
        demo_households=_count("DEMO_HOUSEHOLDS", text("DEMO_HOUSEHOLDS")),
        demo_people=_number("DEMO_PEOPLE", text("DEMO_PEOPLE", "10000"), 64, 10_000_000),
        # Set and empty means: landing runs by hand only.
        land_schedule=given.get("CX_LAND_SCHEDULE", "0 5 * * *").strip() or None,
        dbt_threads=_number("DBT_THREADS", text("DBT_THREADS", "2"), 1, 64),
        exploration_seed=_number("EXPLORATION_SEED", text("EXPLORATION_SEED", "20171228"), 0, 2**31 - 1),
        start_timeout_seconds=_number("START_TIMEOUT_SECONDS", text("START_TIMEOUT_SECONDS", "180"), 5, 3600),
    )


def setting_names() -> list[str]:
    """Name every environment variable that `settings` reads."""
    return [PREFIX + field.name.upper() for field in fields(Settings) if field.name != "root"]


def _path(text: str) -> Path:
    """Make an absolute path; a relative one counts from the checkout, not from where the command was typed."""
    return (ROOT / Path(text).expanduser()).resolve()


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"CX_{name}={text} is not a day. Write it as YYYY-MM-DD.") from None


def _port(name: str, text: str) -> int | None:
    return _number(name, text, 1024, 65535) if text else None


def _count(name: str, text: str) -> int | None:
    return _number(name, text, 1, 1_000_000) if text else None


def _number(name: str, text: str, lowest: int, highest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise SettingsError(f"CX_{name}={text} is not a whole number from {lowest} to {highest}.")
    return int(text)


def _one_of(name: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise SettingsError(f"CX_{name}={text} is unknown. Choose one of: {', '.join(choices)}.")
    return text


def _warehouse_url(text: str) -> str | None:
    """Check the form only; the message never repeats the URL, which holds a password."""
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise SettingsError("CX_WAREHOUSE_URL must look like postgresql://user:password@host:5432/database.")
    return text or None


def _refuse_unknown(on_file: Mapping[str, str], path: Path) -> None:
    unknown = sorted(set(on_file) - set(setting_names()))
    if unknown:
        raise SettingsError(f"{path} has settings that do not exist: {', '.join(unknown)}. See .env.example.")
    if "CX_HOME" in on_file:
        raise SettingsError(f"{path} cannot move CX_HOME, the folder it lies in. Set it in the environment.")
