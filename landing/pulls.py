"""Decide what becomes of what we ask a database or an API for.

Each run makes one batch per entity, or several of an entity that grows by more than ROWS_AT_ONCE: so memory stays flat
however long the history is. They land together or not at all.

An entity with a cursor is read from where raw ends up to the end of the day `as_of` in the source's time zone; without
one the whole list is read. Asked twice for the same day, an unchanged source changes nothing.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from landing.arrivals import Arrival
from landing.contracts import Contract, Entity
from landing.files import batch_id
from landing.ledger import Batch
from landing.readers import Content, Refused


class SourceUnavailable(RuntimeError):
    """The source does not answer, or we were not told where it is; the next run asks again."""


@dataclass(frozen=True)
class Window:
    """Which values of the cursor are wanted: above `after`, and below `before`; None is no bound.

    Timestamps are aware; `zone` is what a source without offsets means.
    """

    zone: ZoneInfo
    after: Any = None
    before: Any = None

    def holds(self, entity: Entity, value: str | None) -> bool:
        """Tell whether a record with this cursor value is wanted; one that cannot be read is, for the gate to judge."""
        try:
            typed = cursor_value(entity, value, self.zone)
        except (ValueError, ArithmeticError):
            return True
        if typed is None:
            return True
        return (self.after is None or typed > self.after) and (self.before is None or typed < self.before)


# The rows in the window, in parts of about ROWS_AT_ONCE; a snapshot in one part, and nothing as one part without rows.
Fetch = Callable[[Contract, Entity, Window], Iterator[Content]]
ROWS_AT_ONCE = 100_000  # of 15 text columns: 60 MB
SORT_AS_TEXT = (r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$", r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")


def pulled_arrivals(
    contract: Contract,
    as_of: date,
    known: Sequence[Batch],
    highest_value: Callable[[Entity], str | None],
    fetch: Fetch,
) -> Iterator[Arrival]:
    """Yield the new batch of each entity. Raises SourceUnavailable if the source does not answer."""
    for entity in contract.entities:
        before = [batch for batch in known if batch.entity == entity.name]
        window = _window(contract, entity, before, highest_value, as_of)
        parts = 0
        try:
            for content in fetch(contract, entity, window):
                parts += 1
                yield from _arrivals_of(entity, content, before, as_of, window.zone)
        except Refused as refusal:
            file = f"{contract.department}.yml"
            reason = f"{entity.name}: what {_place(entity)} gave was refused: {refusal}. Contract: {file}."
            if parts:  # the cursor would pass what was refused
                raise SourceUnavailable(f"{reason} Nothing of {contract.department} was landed.") from None
            yield Arrival(_batch(entity, as_of, reason.encode(), 0, "refused", reason))


def _arrivals_of(
    entity: Entity, content: Content, before: Sequence[Batch], as_of: date, zone: ZoneInfo
) -> Iterator[Arrival]:
    """Yield the batch that one part makes, if it says anything new."""
    data = _bytes(content)
    batch = _batch(entity, as_of, data, content.table.num_rows)
    if entity.cursor:
        batch = replace(batch, highest_cursor=_highest_of(entity, content.table[entity.cursor], zone) or "")
    landed = [other for other in before if other.status == "landed"]
    if any(other.batch_id == batch.batch_id and other.status != "refused" for other in before):
        return
    if entity.load == "append" and not batch.row_count:
        # Says "asked, nothing new" once a day, so that the gate can tell it from "not asked".
        if not any(other.delivered_date >= as_of for other in before):
            yield Arrival(batch, content)
    elif entity.load == "snapshot" and landed and landed[-1].content_sha256 == batch.content_sha256:
        reason = f"nothing has changed since {landed[-1].delivered_date}"
        if not any(other.delivered_date >= as_of for other in before):
            yield Arrival(_batch(entity, as_of, data, 0, "duplicate", reason))
    else:
        yield Arrival(batch, content)


def cursor_value(entity: Entity, text: str | None, zone: ZoneInfo) -> Any:
    """Turn a cursor's text into a value that compares. Raises ValueError or ArithmeticError if it is none."""
    if text is None:
        return None
    kind = next(column.type for column in entity.columns if column.name == entity.cursor)
    if kind in ("integer", "decimal"):
        return Decimal(text)
    if kind == "date":
        return date.fromisoformat(text[:10])
    if kind == "timestamp":
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return text


def _highest_of(entity: Entity, column: pa.ChunkedArray, zone: ZoneInfo) -> str | None:
    """The text of the highest value of a column: of times written alike it is the last in the alphabet."""
    alike = (pc.all(pc.match_substring_regex(column, pattern), skip_nulls=False) for pattern in SORT_AS_TEXT)
    if len(column) and any(found.as_py() for found in alike):
        last = _highest(entity, [pc.max(column).as_py()], zone)
        if last is not None:  # else it only looks like a time
            return last
    return _highest(entity, column.unique().to_pylist(), zone)


def _highest(entity: Entity, values: Iterable[str | None], zone: ZoneInfo) -> str | None:
    """The text of the highest value of the cursor; what cannot be read is left out, and None if nothing can."""
    highest, text = None, None
    for value in values:
        try:
            typed = cursor_value(entity, value or None, zone)
        except (ValueError, ArithmeticError):
            continue
        if typed is not None and (highest is None or typed > highest):
            highest, text = typed, value
    return text


def _reached(entity: Entity, before: Sequence[Batch], highest_value: Callable, zone: ZoneInfo) -> str | None:
    """Where raw ends: as the batches say; batches of an earlier version do not, then raw is looked through."""
    told = [batch.highest_cursor for batch in before if batch.status == "landed" and batch.row_count]
    return highest_value(entity) if None in told else _highest(entity, told, zone)


def _window(
    contract: Contract, entity: Entity, before: Sequence[Batch], highest_value: Callable, as_of: date
) -> Window:
    zone = ZoneInfo(contract.time_zone)
    if not entity.cursor:
        return Window(zone)
    after = cursor_value(entity, _reached(entity, before, highest_value, zone), zone)
    kind = next(column.type for column in entity.columns if column.name == entity.cursor)
    next_day = as_of + timedelta(days=1)
    ends = {"date": next_day, "timestamp": datetime.combine(next_day, time.min, zone)}
    return Window(zone, after, ends.get(kind))


def _place(entity: Entity) -> str:
    return f"the table {entity.table}" if entity.table else f"the endpoint {entity.endpoint}"


def _bytes(content: Content) -> bytes:
    """The content in one canonical form, for the hash that tells one batch from another."""
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(content.table, buffer)
    return buffer.getvalue()


def _batch(
    entity: Entity, as_of: date, data: bytes, rows: int, status: str = "landing", reason: str | None = None
) -> Batch:
    digest = hashlib.sha256(data).hexdigest()
    return Batch(
        batch_id=batch_id(entity.name, as_of, digest),
        entity=entity.name,
        source_name=entity.table or entity.endpoint,
        content_sha256=digest,
        byte_count=len(data),
        row_count=rows,
        delivered_date=as_of,
        known_date=as_of,
        as_of=as_of,
        status=status,
        reason=reason,
    )
