"""Values as text: raw tables hold what was delivered, before anybody decides what it means."""

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

# Kinds that Arrow writes as `as_text` does: 1.10 as a float, times and nested values it writes in its own way.
WRITTEN_BY_ARROW = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_null)


def as_text(value: Any) -> str | None:
    """Write one value so that PostgreSQL can cast it back: ISO dates, true/false, JSON for nested values."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=_inside_json, ensure_ascii=False)
    return str(value)


def _inside_json(value: Any) -> float | str | None:
    return float(value) if isinstance(value, Decimal) else as_text(value)


def records_as_text(records: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> pa.Table:
    """Make a table of text columns; a key that a record does not have becomes null."""
    arrays = {name: values_as_text([record.get(name) for record in records]) for name in columns}
    return pa.table(arrays) if arrays else pa.table({})


def values_as_text(values: Sequence[Any]) -> pa.Array:
    """Write values as `as_text` does; a column that is all text, whole numbers, truth values, dates or times without
    offset takes no Python loop."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, TypeError, UnicodeEncodeError):
        array = None  # of mixed kinds, or of a kind that Arrow has no type for, or an infinite number
    if array is not None and any(is_kind(array.type) for is_kind in WRITTEN_BY_ARROW):
        return array.cast(pa.string())
    kinds = set(map(type, values)) - {type(None)}  # Arrow takes the number 0 among dates for the first of 1970
    if array is not None and kinds == {datetime.date}:
        return array.cast(pa.string())
    if array is not None and kinds == {datetime.datetime} and array.type == pa.timestamp("us"):
        # Arrow always writes six digits of a second, isoformat none where they are all 0.
        return pc.replace_substring_regex(array.cast(pa.string()), r"\.000000$", "")
    return pa.array([as_text(value) for value in values], pa.string())


def table_as_text(table: pa.Table) -> pa.Table:
    """Turn every column of an Arrow table into text. Raises pa.ArrowInvalid if a value cannot be written as text."""
    return pa.table({name: _column_as_text(table[name]) for name in table.column_names})


def _column_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return pa.chunked_array([[as_text(value) for value in column.to_pylist()]], pa.string())
    return column.cast(pa.string())


def holds_nul(table: pa.Table) -> bool:
    """Tell whether any text holds the character NUL, which PostgreSQL cannot store."""
    return any(pc.any(pc.match_substring(column, "\0")).as_py() for column in table.columns)


def is_storable(text: str) -> bool:
    """Tell whether PostgreSQL can store the text: no NUL, and no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:
        return False
