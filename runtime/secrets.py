"""Generated passwords and keys, one file each (mode 600) under `$CX_HOME/secrets` (mode 700)."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from dotenv import dotenv_values

from runtime.settings import Settings

DEPARTMENTS_FILE = "departments.env"
DESTINATIONS_FILE = "destinations.env"


def password() -> str:
    """Make a password of 32 characters that needs no escaping in a URL or a shell."""
    return secrets.token_urlsafe(24)


def fernet_key() -> str:
    """Make a key as `cryptography.fernet` wants it: 32 random bytes, URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def secret(settings: Settings, name: str, generate: Callable[[], str] = password) -> str:
    """Read the secret `name`; generate it first if it does not exist.

    Two processes that ask for a new secret at the same time get the same one: a hard link is made once only.
    """
    path = secret_path(settings, name)
    if not path.exists():
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        draft = path.with_name(f".{name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(generate())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def department_variable(settings: Settings, name: str) -> str | None:
    """Read an address or a token of a department: from the environment, else from `secrets/departments.env`."""
    return os.environ.get(name) or dotenv_values(secret_path(settings, DEPARTMENTS_FILE)).get(name)


def destination_variable(settings: Settings, name: str) -> str | None:
    """Read an address or a token of a destination: from the environment, else from `secrets/destinations.env`."""
    return os.environ.get(name) or dotenv_values(secret_path(settings, DESTINATIONS_FILE)).get(name)


def keep_department_variables(settings: Settings, variables: dict[str, str]) -> None:
    """Write addresses and tokens of departments to `secrets/departments.env`; those of other names stay."""
    path = secret_path(settings, DEPARTMENTS_FILE)
    known = {**dotenv_values(path), **variables}
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{name}='{value}'\n" for name, value in sorted(known.items()))
    beside.replace(path)


def secret_path(settings: Settings, name: str) -> Path:
    """Say where the secret `name` is kept."""
    return settings.secrets_dir / name
