"""Settings: one list, documented, with errors that say what to write."""

import stat
from pathlib import Path

import pytest

from runtime import secrets
from runtime.settings import ROOT, SettingsError, setting_names, settings


def read(tmp_path: Path, **environment: str):
    """Read the settings with a home of their own."""
    return settings({"CX_HOME": str(tmp_path), **environment})


def test_example_lists_every_setting_with_its_default(tmp_path):
    """`.env.example` and the dataclass name the same settings, and the defaults written there are the real ones."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    written = dict(line.split("=", 1) for line in lines)
    assert list(written) == setting_names()
    shown = {name: value for name, value in written.items() if value and name != "CX_HOME"}
    assert read(tmp_path, **shown) == read(tmp_path)


def test_every_setting_has_a_comment():
    """A person who opens `.env.example` learns what each block of settings is for."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    for above, line in zip(lines, lines[1:], strict=False):
        assert not line.startswith("CX_") or above.startswith(("#", "CX_"))


def test_environment_wins_over_file(tmp_path):
    """A value in the home's file counts, unless the environment says otherwise."""
    (tmp_path / "settings.env").write_text("CX_DBT_THREADS=3\nCX_LAND_SCHEDULE=\n")
    assert read(tmp_path).dbt_threads == 3
    assert read(tmp_path).land_schedule is None
    assert read(tmp_path, CX_DBT_THREADS="4", CX_LAND_SCHEDULE="0 1 * * *").dbt_threads == 4
    assert read(tmp_path, CX_LAND_SCHEDULE="0 1 * * *").land_schedule == "0 1 * * *"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CX_POSTGRES_PORT", "abc"),
        ("CX_POSTGRES_PORT", "80"),
        ("CX_DBT_THREADS", "0"),
        ("CX_DATASET", "instacart"),
        ("CX_WAREHOUSE_URL", "mysql://u:secret-word@h/d"),
    ],
)
def test_bad_value_is_named(tmp_path, name, value):
    """The message names the setting, and never shows a password."""
    with pytest.raises(SettingsError, match=name) as error:
        read(tmp_path, **{name: value})
    assert "secret-word" not in str(error.value)


def test_unknown_name_in_file_is_refused(tmp_path):
    """A typing error in the file does not pass silently."""
    (tmp_path / "settings.env").write_text("CX_DBT_THREAD=3\n")
    with pytest.raises(SettingsError, match="CX_DBT_THREAD"):
        read(tmp_path)


def test_secret_is_made_once_and_only_for_the_owner(tmp_path):
    """The second reader gets the same value; nobody else may read the file."""
    given = read(tmp_path)
    first = secrets.secret(given, "door")
    assert secrets.secret(given, "door") == first
    assert len(first) == 32
    assert stat.S_IMODE(secrets.secret_path(given, "door").stat().st_mode) == 0o600
    assert stat.S_IMODE(given.secrets_dir.stat().st_mode) == 0o700
    assert secrets.secret(given, "other") != first
    assert sorted(path.name for path in given.secrets_dir.iterdir()) == ["door", "other"]
