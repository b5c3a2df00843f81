"""Whole files that go wrong on known days, and come again in order: what a data steward meets in half a year.

The damaged file is handed over on its day; the good one replaces it under the same name some days later.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow.parquet as pq

from simulator.nordhaus import catalogue

File = tuple[str, bytes]


@dataclass(frozen=True)
class Fault:
    """One damaged delivery: whose files (names begin with `prefix` and the date), when, for how long, and how."""

    kind: str
    prefix: str
    day: int
    repaired_after_days: int
    damage: Callable[[bytes], bytes | None]

    def concerns(self, name: str, day: int) -> bool:
        """Tell whether a file that is handed over on `day` under `name` is damaged."""
        return day == self.day and name.startswith(f"{self.prefix}{catalogue.date_of(day)}")


def _cut(data: bytes) -> bytes:
    return data[: int(len(data) * 0.7)]


def _nothing(data: bytes) -> bytes:
    return b""


def _lost(data: bytes) -> None:
    return None


def _renamed(old: str, new: str) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        table = pq.read_table(io.BytesIO(data))
        buffer = io.BytesIO()
        pq.write_table(table.rename_columns([new if name == old else name for name in table.column_names]), buffer)
        return buffer.getvalue()

    return damage


def _header(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        first, rest = data.split(b"\n", 1)
        return first.replace(old, new) + b"\n" + rest

    return damage


def _retyped(data: bytes) -> bytes:
    """Write the third column, a number, with its unit."""
    lines = data.split(b"\n")
    changed = [_with_unit(line) for line in lines[1:] if line]
    return b"\n".join([lines[0], *changed, b""])


def _with_unit(line: bytes) -> bytes:
    fields = line.split(b",")
    return b",".join([*fields[:2], b'"' + fields[2].strip(b'"') + b' cups"', *fields[3:]])


def _in_utf16(data: bytes) -> bytes:
    return data.decode("cp1252").encode("utf-16")


def _with_column(data: bytes) -> bytes:
    lines = data.split(b"\n")
    return b"\n".join([lines[0] + b',"app_version"', *(line + b',"5.2"' if line else b"" for line in lines[1:])])


FAULTS = (
    Fault("empty_file", "till/bons_", 90, 1, _nothing),
    Fault("wrong_encoding", "crm/kontakte_", 100, 1, _in_utf16),
    Fault("retyped_column", "devices/telemetry_", 105, 1, _retyped),
    Fault("added_column", "feedback/answers_", 110, 0, _with_column),
    Fault("truncated_file", "feedback/answers_", 115, 2, _cut),
    Fault("outage", "devices/telemetry_", 125, 3, _lost),
    Fault("renamed_column", "app/events_", 130, 2, _renamed("event", "event_name")),
    Fault("renamed_column", "feedback/answers_", 136, 1, _header(b"score", b"rating")),
)


def damaged(day: int, files: list[File]) -> tuple[list[File], list[tuple[int, File]]]:
    """Return the day's files as they are handed over, and the good ones that come later with their days."""
    today, later = [], []
    for name, data in files:
        fault = next((one for one in FAULTS if one.concerns(name, day)), None)
        if fault is None:
            today.append((name, data))
            continue
        broken = fault.damage(data)
        if broken is not None:
            today.append((name, broken))
        if fault.repaired_after_days:
            later.append((day + fault.repaired_after_days, (name, data)))
    return today, later
