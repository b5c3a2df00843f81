"""Which departments this installation has: your own contracts, and those of the demo company that CX_DATASET names.

Yours stand in `landing/departments` (kept with the code) or in `$CX_HOME/departments` (kept with this installation).
"""

from pathlib import Path

from runtime.settings import Settings, SettingsError


def contract_files(settings: Settings) -> dict[str, Path]:
    """Map each department to its contract.

    Raises SettingsError if a department has two.
    """
    folder = settings.root / "landing" / "departments"
    found: dict[str, Path] = {}
    for place in (folder / settings.dataset, folder, settings.home / "departments"):
        for path in sorted(place.glob("*.yml")):
            if other := found.get(path.stem):
                raise SettingsError(
                    f"{path.name} stands in {_named(path, settings)} and in {_named(other, settings)}. Remove one"
                    + (", or set CX_DATASET=none to leave the demo company out." if other.parent != folder else ".")
                )
            found[path.stem] = path
    return found


def _named(path: Path, settings: Settings) -> str:
    """The folder of a contract as a person would write it."""
    parent = path.parent
    if parent.is_relative_to(settings.home):
        return f"$CX_HOME/{parent.relative_to(settings.home)}"
    return str(parent.relative_to(settings.root))
