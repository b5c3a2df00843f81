"""Find what a department has put below the exports folder: by name and date, and by content."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from landing import fingerprints
from landing.contracts import Contract, Entity


@dataclass(frozen=True)
class Delivery:
    """One delivered file: which entity and business day it is for, and what identifies its content."""

    department: str
    entity: str
    delivered_date: date
    path: Path
    part: str
    content_sha256: str
    byte_count: int

    @property
    def batch_id(self) -> str:
        """The name of the batch: `<entity>/<delivered_date>[/<part>]/<first 12 digits of the content's sha256>`.

        The part belongs to it: two branches that sold nothing deliver the same header.
        """
        return batch_id(self.entity, self.delivered_date, self.content_sha256, self.part)


def batch_id(entity: str, delivered_date: date, content_sha256: str, part: str = "") -> str:
    """Name a batch by what it is, so that landing the same content twice gives the same name."""
    return "/".join(word for word in (entity, delivered_date.isoformat(), part, content_sha256[:12]) if word)


def part_of(source_name: str, delivered_date: date) -> str:
    """What is left of a file's name without its date: the same for the same hour or branch on every day."""
    return source_name.replace(delivered_date.isoformat(), "", 1)


def delivered(contract: Contract, exports_dir: Path, as_of: date) -> list[Delivery]:
    """Every file of the department dated `as_of` or before, oldest first, hashed.

    A repaired file keeps its name, its date and sometimes its length: `fingerprints.py` tells whether it was touched.
    """
    dated = [
        (contract.department, entity.name, day, path, part)
        for entity in contract.entities
        for day, path, part in _dated_files(entity, exports_dir)
        if day <= as_of
    ]
    hashes = fingerprints.of([path for _, _, _, path, _ in dated], contract.department)
    return sorted(
        (Delivery(*described, *hashed) for described, hashed in zip(dated, hashes, strict=True)),
        key=lambda delivery: (delivery.entity, delivery.delivered_date, delivery.path.name),
    )


def unrecognised(contract: Contract, exports_dir: Path) -> list[str]:
    """Names of files in the department's folders that no entity of the contract claims; hidden files are ignored."""
    folders = {(exports_dir / entity.path).parent for entity in contract.entities}
    claimed = {path for entity in contract.entities for _, path, _ in _dated_files(entity, exports_dir)}
    found = {path for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()}
    return sorted(path.name for path in found - claimed if not path.name.startswith("."))


def _dated_files(entity: Entity, exports_dir: Path) -> Iterator[tuple[date, Path, str]]:
    pattern = exports_dir / entity.path
    name = re.escape(pattern.name).replace(r"\{part\}", r"(?P<part>[A-Za-z0-9-]+)")
    named = re.compile(name.replace(r"\{date\}", r"(?P<date>\d{4}-\d{2}-\d{2})"))
    if not pattern.parent.is_dir():
        return
    for path in pattern.parent.iterdir():
        if (match := named.fullmatch(path.name)) and (day := _date(match["date"])):
            yield day, path, match.groupdict().get("part", "")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
