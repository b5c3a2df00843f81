"""The folder of state, `CX_HOME`: made here, recognised here, removed here."""

import hashlib
import os
import shutil
from pathlib import Path

from runtime.settings import Settings

MARKER = ".cxloop-home"


class HomeError(RuntimeError):
    """`CX_HOME` cannot be used; the message says why and what to do."""


def prepare(settings: Settings) -> Path:
    """Make `CX_HOME` and its folder of logs, and mark it as ours if it was new or empty.

    Raises HomeError if this account may not write there.
    """
    home = settings.home
    try:
        is_new = not home.exists() or not any(home.iterdir())
        home.mkdir(parents=True, exist_ok=True)
        if is_new:
            # Others may pass through (PostgreSQL does not run as root), and cannot list what is inside.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
            (home / MARKER).write_text("cxloop keeps its state here; `make clean` removes this folder.\n")
        settings.logs_dir.mkdir(mode=0o700, exist_ok=True)
    except PermissionError as refusal:
        raise HomeError(
            f"{refusal.filename} is not writable by this account (uid {os.geteuid()}). It probably belongs to the "
            "account that started the platform first: use that account, or set CX_HOME to a folder of your own."
        ) from refusal
    return home


def instance(settings: Settings) -> str:
    """Name this installation: the environment variable CX_INSTANCE marks each process that belongs to it."""
    return hashlib.sha256(str(settings.home).encode()).hexdigest()[:16]


def refuse_foreign(settings: Settings) -> None:
    """Raise HomeError if `CX_HOME` was not made by us."""
    if not (settings.home / MARKER).is_file():
        raise HomeError(f"{settings.home} was not made by this platform (no {MARKER} in it): remove it by hand.")


def remove(settings: Settings) -> None:
    """Remove `CX_HOME`. Raises HomeError if the folder was not made by us: then nothing is touched."""
    if settings.home.exists():
        refuse_foreign(settings)
        shutil.rmtree(settings.home)
