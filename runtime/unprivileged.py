"""PostgreSQL refuses to run as root: as root, its programs run as `nobody` by way of `setpriv`."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

ACCOUNT = "nobody"
# Needed only where a folder on the way is closed to others (a checkout under /root of mode 700). The first lets the
# process read and search, not write; containers that lack it usually have the second. PostgreSQL looks for its own
# programs with access(2), which forgets capabilities of a process that is not root unless no_setuid_fixup is set.
CAPABILITIES = ("dac_read_search", "dac_override")
SECUREBITS = "--securebits=+no_setuid_fixup"


class CannotDropRoot(RuntimeError):
    """No way was found to run a program as another account; the message says what to do."""


def account_ids() -> tuple[int, int] | None:
    """Give the (uid, gid) that PostgreSQL runs as if we are root, else None."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(ACCOUNT)
    return entry.pw_uid, entry.pw_gid


def hand_over(path: Path) -> None:
    """Make the folder `path` (mode 700) if need be and give it to the account that PostgreSQL runs as."""
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    ids = account_ids()
    if ids:
        os.chown(path, *ids)


def command_prefix(program: Path, readable: Path, folder: Path) -> list[str]:
    """Find what to put before `program` so that it runs without root, reads `readable` and can enter `folder`.

    Not root: nothing. Raises CannotDropRoot if every way fails.
    """
    ids = account_ids()
    if ids is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise CannotDropRoot("PostgreSQL does not run as root and `setpriv` is missing: install util-linux.")
    plain = [setpriv, f"--reuid={ids[0]}", f"--regid={ids[1]}", "--clear-groups"]
    ways = [plain] + [[*plain, f"--inh-caps=+{name}", f"--ambient-caps=+{name}", SECUREBITS] for name in CAPABILITIES]
    for way in ways:
        checks = [[str(program), "--version"], ["test", "-r", str(readable)], ["test", "-x", str(folder)]]
        if all(_works([*way, *check]) for check in checks):
            return way
    raise CannotDropRoot(
        f"PostgreSQL does not run as root, and the account {ACCOUNT} cannot reach {program} or {folder} because a "
        "folder on the way is closed to others. Move the checkout (and CX_HOME) to an open folder such as /opt, "
        "open the folders on the way with `chmod o+x`, or run the platform as a user that is not root."
    )


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
