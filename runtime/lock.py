"""One `up`, `down` or `clean` at a time for each `CX_HOME`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from runtime import home
from runtime.settings import Settings


class Busy(RuntimeError):
    """Another command is starting or stopping this installation."""


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Hold the lock of this installation; the kernel releases it even if we are killed. Raises Busy at once."""
    home.prepare(settings)
    with (settings.home / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Busy(
                f"Another command is starting or stopping the services in {settings.home} "
                f"(process {file.read().strip() or 'unknown'}). Wait until it is done, then try again."
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
