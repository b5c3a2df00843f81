"""The sha256 of delivered files. A file that nobody touched is not read again: a day costs what came that day.

Untouched means what git means by it: same inode, size, time of change of content and of inode (which no program can
set). What was written a moment before it was hashed is not remembered, because it could change within the same tick.
The memory is a file below CX_HOME; losing it costs one reading of all files, nothing else.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runtime.settings import settings

READERS = 2  # pyarrow and hashlib release the lock; more than two bring nothing on two cores
TICK_NS = 10_000_000_000  # clocks of network drives differ by seconds
Stamp = tuple[int, int, int, int]


def of(paths: Sequence[Path], department: str) -> list[tuple[str, int]]:
    """Return sha256 and number of bytes of each file, in the order of `paths`."""
    memory = _Memory(department)
    with ThreadPoolExecutor(READERS) as pool:
        hashes = list(pool.map(memory.fingerprint, paths))
    memory.keep()
    return hashes


class _Memory:
    """What was hashed before, by path."""

    def __init__(self, department: str) -> None:
        self.path = settings().home / "fingerprints" / f"{department}.json"
        try:
            before = json.loads(self.path.read_bytes())
            self.before = {path: (tuple(stamp), sha256) for path, stamp, sha256 in before}
        except (OSError, ValueError, TypeError):  # none yet, or of another form: read the files
            self.before = {}
        self.now: dict[str, tuple[Stamp, str]] = {}

    def fingerprint(self, path: Path) -> tuple[str, int]:
        stamp = _stamp(path)
        known = self.before.get(str(path))
        if known and known[0] == stamp:
            self.now[str(path)] = known
            return known[1], stamp[1]
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if max(stamp[2:]) < time.time_ns() - TICK_NS and _stamp(path) == stamp:
            self.now[str(path)] = stamp, sha256
        return sha256, len(data)

    def keep(self) -> None:
        """Write down what is known now, whole or not at all; nothing if nothing has changed."""
        if self.now == self.before:
            return
        self.path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        beside.write_text(json.dumps([(path, *known) for path, known in sorted(self.now.items())]))
        beside.replace(self.path)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
