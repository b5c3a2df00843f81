"""Decide what becomes of each delivered file: land it, refuse it, or know it as a duplicate or superseded."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from landing.contracts import Contract, Entity
from landing.files import Delivery, delivered, part_of
from landing.fingerprints import READERS
from landing.ledger import Batch
from landing.readers import Content, Refused, read_content

BYTES_AT_ONCE = 32_000_000  # files read together; bounds the memory of a first load, and a day is far below it


@dataclass(frozen=True)
class Arrival:
    """One new batch: what the ledger is to say of it and, if it lands, what is in it."""

    batch: Batch
    content: Content | None = None


def file_arrivals(contract: Contract, exports_dir: Path, as_of: date, known: Sequence[Batch]) -> Iterator[Arrival]:
    """Yield an arrival for each delivered file that the ledger does not know yet, entity by entity.

    Files that were refused before are looked at again, because the contract may have been repaired since.
    """
    deliveries = delivered(contract, exports_dir, as_of)
    settled = {batch.batch_id for batch in known if batch.status != "refused"}
    for entity in contract.entities:
        pending = [file for file in deliveries if file.entity == entity.name and file.batch_id not in settled]
        before = [batch for batch in known if batch.entity == entity.name]
        decide = _snapshots if entity.load == "snapshot" else _appends
        newest = _newest_by_name(before)
        for arrival in decide(entity, pending, before, as_of):
            replaced = newest.get((arrival.batch.source_name, arrival.batch.delivered_date))
            yield replace(arrival, batch=replace(arrival.batch, replaces=replaced)) if arrival.content else arrival


def _newest_by_name(before: list[Batch]) -> dict[tuple[str, date], str]:
    """The batch that landed last from each file, by name and date: the one that no other replaces."""
    landed = [batch for batch in before if batch.status == "landed"]
    replaced = {batch.replaces for batch in landed}
    names = {(batch.source_name, batch.delivered_date, batch.batch_id) for batch in landed}
    return {(name, day): batch_id for name, day, batch_id in sorted(names) if batch_id not in replaced}


def _snapshots(entity: Entity, pending: list[Delivery], before: list[Batch], as_of: date) -> Iterator[Arrival]:
    """Land the newest readable list; older lists have nothing to add to it.

    A list equals the one before only if it is the same as the last that landed: A, B, A is a change back to A.
    """
    last = max((batch for batch in before if batch.status == "landed"), key=lambda b: b.delivered_date, default=None)
    refused = {batch.batch_id for batch in before if batch.status == "refused"}
    newest: date | None = last.delivered_date if last else None
    for file in reversed(pending):
        if newest and file.delivered_date < newest:
            if file.batch_id not in refused:
                yield Arrival(_batch(file, as_of, "superseded", f"a newer list ({newest}) is here"))
        elif last and file.content_sha256 == last.content_sha256:
            newest = file.delivered_date
            yield Arrival(
                _batch(file, as_of, "duplicate", f"nothing has changed since the list of {last.delivered_date}")
            )
        else:
            arrival = _arrival(entity, file, as_of, _read(entity, file))
            if arrival.content:
                newest = file.delivered_date
            yield arrival


def _appends(entity: Entity, pending: list[Delivery], before: list[Batch], as_of: date) -> Iterator[Arrival]:
    """Land each file once; the same content under another name or date would count everything twice.

    Files without rows are all alike and double nothing, so they always land.
    """
    landed = {batch.content_sha256: batch.source_name for batch in before if batch.status == "landed"}
    landed_parts = {_place(batch.source_name, batch.delivered_date) for batch in before if batch.status == "landed"}
    with ThreadPoolExecutor(READERS) as pool:
        for group in _groups(pending):
            for file, read in zip(group, pool.map(lambda file: _read(entity, file), group), strict=True):
                arrival = _arrival(entity, file, as_of, read)
                has_rows = arrival.content and arrival.content.table.num_rows
                if has_rows and (same := landed.get(file.content_sha256)):
                    reason = f"the content is the same as that of {same}, which has landed"
                    arrival = Arrival(_batch(file, as_of, "duplicate", reason))
                elif has_rows and not entity.keys and _place(file.path.name, file.delivered_date) in landed_parts:
                    reason = (
                        "another file for this day has landed and the contract has no keys to tell which rows are new. "
                        "Please deliver only the new rows, under another date"
                    )
                    arrival = Arrival(_batch(file, as_of, "refused", _sentence(entity, file, reason)))
                elif has_rows:
                    landed[file.content_sha256] = file.path.name
                yield arrival


def _place(source_name: str, delivered_date: date) -> tuple[date, str]:
    """Which day a file is for, and which hour or branch of it."""
    return delivered_date, part_of(source_name, delivered_date)


def _groups(files: list[Delivery]) -> Iterator[list[Delivery]]:
    group, size = [], 0
    for file in files:
        if group and size + file.byte_count > BYTES_AT_ONCE:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.byte_count
    if group:
        yield group


def _read(entity: Entity, file: Delivery) -> Content | Refused:
    data = file.path.read_bytes()
    try:
        if hashlib.sha256(data).hexdigest() != file.content_sha256:
            raise Refused("it changed while it was read. Please write beside it and rename it when it is complete")
        return read_content(entity, data)
    except Refused as refusal:
        return refusal


def _arrival(entity: Entity, file: Delivery, as_of: date, read: Content | Refused) -> Arrival:
    if isinstance(read, Refused):
        return Arrival(_batch(file, as_of, "refused", _sentence(entity, file, str(read))))
    return Arrival(_batch(file, as_of, "landing", None, read.table.num_rows), read)


def _sentence(entity: Entity, file: Delivery, reason: str) -> str:
    named = f"{file.path.parent.name}/{file.path.name}"
    return f"{entity.name}: {named} was refused: {reason}. Contract: {file.department}.yml."


def _batch(file: Delivery, as_of: date, status: str, reason: str | None, rows: int = 0) -> Batch:
    return Batch(
        batch_id=file.batch_id,
        entity=file.entity,
        source_name=file.path.name,
        content_sha256=file.content_sha256,
        byte_count=file.byte_count,
        row_count=rows,
        delivered_date=file.delivered_date,
        known_date=as_of,
        as_of=as_of,
        status=status,
        reason=reason,
    )
