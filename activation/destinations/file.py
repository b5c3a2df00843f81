"""A file of changes per run: JSON lines or CSV, there as a whole or not at all."""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from activation.destinations.change import Answer, Change
from activation.destinations.configured import Destination
from runtime.settings import settings


class File:
    """Writes `<as_of>_<first key>.<format>`: the same changes give the same file, which a repeated run replaces."""

    at_once = 1_000_000

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.folder = Path(destination.folder or settings().home / "outbox" / destination.name)

    def send(self, changes: Sequence[Change]) -> Iterator[Answer]:
        """Write them all, then acknowledge them all."""
        path = self.folder / f"{changes[0].as_of}_{changes[0].key[:12]}.{self.destination.format}"
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(self._text(changes))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        for change in changes:
            yield Answer(change.number, True, path.name)

    def _text(self, changes: Sequence[Change]) -> str:
        fields = [*self.destination.fields, *self.destination.customer_fields]
        rows = [
            {
                **{"key": change.key, "kind": change.kind, "customer_id": change.customer_id},
                "as_of": change.as_of.isoformat(),
                **{name: (change.content or {}).get(name) for name in fields},
            }
            for change in changes
        ]
        if self.destination.format == "jsonl":
            return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
