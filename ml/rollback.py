"""Go back to an earlier champion: a human's decision, kept with who and why."""

from datetime import date

from ml import history, registry
from ml.registry import ModelVersion
from runtime import warehouse


class RollbackRefused(RuntimeError):
    """The champion stays; the message says why and what to do."""


def rollback(model: str, version: str, by: str, because: str, as_of: date | None = None) -> ModelVersion | None:
    """Make an earlier champion of `model` champion again from `as_of` on (default: the newest day that was judged).

    The version that it replaces is withdrawn: training the same data again does not bring it back. Returns the version
    that was withdrawn, None if `version` is champion already. Raises RollbackRefused, and RegistryError if there is no
    champion. What was scored and decided stays; score a day again to have its scores from the other version.
    """
    if not by.strip() or not because.strip():
        raise RollbackRefused("Say who decides and why: both are kept.")
    wanted = next((found for found in registry.versions(model) if found.version == version), None)
    if wanted is None:
        known = ", ".join(found.version for found in registry.versions(model)) or "none"
        raise RollbackRefused(f"{model} has no version {version}. Versions: {known}.")
    current = registry.champion(model)
    if current.version == version:
        return None
    _try_to_load(wanted)
    with warehouse.transaction() as connection:
        if not history.was_champion(connection, wanted):
            raise RollbackRefused(
                f"Version {version} of {model} was never champion, so nobody has judged it: a rollback goes back only."
            )
        day = as_of or newest_day(connection)
        evidence = {"from_version": current.version, "to_version": version}
        history.append(connection, current, history.WITHDRAWN, day, by, because, evidence)
        reason = f"rolled back from version {current.version}: {because}"
        history.append(connection, wanted, registry.CHAMPION, day, by, reason, evidence)
        registry.set_alias(wanted, registry.CHAMPION)
        registry.drop_alias(wanted, registry.CHALLENGER)
        registry.drop_alias(current, registry.CHALLENGER)
    return current


def newest_day(connection) -> date:
    """Return the newest day that a gate has judged. Raises RollbackRefused if none has."""
    with connection.cursor() as cursor:
        cursor.execute("select max(as_of) from quality.gate_results")
        day = cursor.fetchone()[0]
    if day is None:
        raise RollbackRefused("No day was judged yet: say from which day on it holds (--as-of).")
    return day


def _try_to_load(version: ModelVersion) -> None:
    """A champion that cannot be loaded would stop the next scoring: better to know it before."""
    try:
        registry.load(version)
    except Exception as problem:
        raise RollbackRefused(
            f"Version {version.version} of {version.name} cannot be loaded ({type(problem).__name__}): it cannot serve."
        ) from problem
