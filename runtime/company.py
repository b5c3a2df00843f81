"""Which departments this installation has: your own contracts, and those of the demo company that CX_DATASET names."""

from pathlib import Path

from runtime.settings import Settings, SettingsError


def contract_files(settings: Settings) -> dict[str, Path]:
    """Map each department to its contract: your own in `landing/departments`, the demo company's in a folder below.

    Raises SettingsError if a department has both.
    """
    folder = settings.root / "landing" / "departments"
    own, company = ({path.stem: path for path in place.glob("*.yml")} for place in (folder, folder / settings.dataset))
    if both := sorted(set(own) & set(company)):
        raise SettingsError(
            f"{both[0]}.yml stands in landing/departments and in landing/departments/{settings.dataset}. Remove one, "
            "or set CX_DATASET=none to leave the demo company out."
        )
    return {**company, **own}
