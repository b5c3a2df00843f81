"""Read one delivered file into text columns, or say why it cannot be read.

A file is refused as a whole when nobody could say which of its values are right: wrong encoding, cut off, a column
missing. A single line with the wrong number of fields is set aside and the rest goes on.
"""

import csv
import difflib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from landing.contracts import Entity
from landing.json_lines import plain_objects
from landing.text import as_text, holds_nul, is_storable, records_as_text, table_as_text

ROW_NUMBER = "_row_number"
# One column, so it never has the width of a data line: when it does not come back, a quotation mark was left open.
SENTINEL = b"\x01the end of the file\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Refused(Exception):
    """The file cannot be landed; the message is a sentence for the data steward."""


@dataclass(frozen=True)
class MalformedLine:
    """A line that does not fit the columns: its 1-based data row, its text and what is wrong with it."""

    row_number: int
    line: str
    reason: str


@dataclass(frozen=True)
class Content:
    """What a file holds: text columns in the file's order and `_row_number` (1-based data row, blank lines skipped)."""

    table: pa.Table
    malformed: tuple[MalformedLine, ...] = ()
    added_columns: tuple[str, ...] = ()


def read_content(entity: Entity, data: bytes) -> Content:
    """Read the bytes of one file as the contract describes them. Raises Refused with a sentence."""
    if not data:
        raise Refused("the file is empty (0 bytes), it has not even a header. Please deliver it again")
    return {"csv": _read_csv, "jsonl": _read_jsonl, "parquet": _read_parquet}[entity.format](entity, data)


def name_columns(entity: Entity, table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """Give the columns their raw names; return the table and the names of columns that the contract does not know.

    Raises Refused if a column of the contract is missing.
    """
    table = _mapped(entity, table)
    names = {column.source_name: column.name for column in entity.columns}
    delivered = table.column_names
    added = {name: raw_name(name) for name in delivered if name not in names}
    missing = [name for name in names if name not in delivered]
    if missing:
        raise Refused(
            f"the column {', '.join(_missing(name, missing, list(added)) for name in missing)} is missing. Please "
            "deliver it under the name in the contract, or agree on a new contract with the data platform"
        )
    raw_names = [names.get(name) or added[name] for name in delivered]
    if doubled := sorted({name for name in raw_names if raw_names.count(name) > 1}):
        raise Refused(f"two columns would both be called '{doubled[0]}' here. Please rename the new one")
    return table.rename_columns(raw_names), tuple(added.values())


def _mapped(entity: Entity, table: pa.Table) -> pa.Table:
    """Bring columns that have several names to their first one; where a row has several, the first filled counts."""
    for column in entity.columns:
        given = [name for name in column.source_names if name in table.column_names]
        if len(column.source_names) == 1 or given in ([], [column.source_name]):
            continue
        values = table[given[0]] if len(given) == 1 else pc.coalesce(*[table[name] for name in given])
        table = table.set_column(table.column_names.index(given[0]), column.source_name, values)
        table = table.drop_columns([name for name in given[1:]])
    return table


def _missing(name: str, missing: list[str], added: list[str]) -> str:
    """Name a missing column, and the new one that it was probably renamed to."""
    alike = difflib.get_close_matches(name, added, n=1, cutoff=0.5)
    if not alike and len(missing) == len(added) == 1:
        alike = added
    return f"'{name}' (renamed to '{alike[0]}'?)" if alike else f"'{name}'"


def raw_name(delivered: str) -> str:
    """Make a plain name for a column that nobody agreed on: "E-Mail (privat)" becomes e_mail_privat."""
    plain = re.sub(r"[^a-z0-9]+", "_", delivered.lower())[:50].strip("_")
    return plain if plain[:1].isalpha() else f"column_{plain}".rstrip("_")


def _read_csv(entity: Entity, data: bytes) -> Content:
    data = _as_utf8(entity, data)
    header = _header(entity, data)
    name_columns(entity, pa.table(dict.fromkeys(header, [])))  # says a missing column before anything else
    if not data.endswith((b"\n", b"\r")):
        line = data.count(b"\n") + 1
        raise Refused(f"the file is cut off: line {line}, the last, does not end. Please deliver it again")
    has_quotes = b'"' in data
    bad: list[pa.csv.InvalidRow] = []
    table = _parse_csv(entity, header, data + SENTINEL if has_quotes else data, bad)
    if has_quotes:
        table = _without_sentinel(table, bad)
    rows = table.num_rows + len(bad)
    malformed = tuple(_malformed(row) for row in bad)
    if malformed and malformed[-1].row_number == rows and bad[-1].actual_columns < bad[-1].expected_columns:
        raise Refused(
            f"the file is cut off: data row {rows}, the last, has {bad[-1].actual_columns} fields "
            f"instead of {bad[-1].expected_columns}. Please deliver it again"
        )
    numbers = np.arange(1, rows + 1, dtype=np.int64)
    if malformed:
        numbers = np.delete(numbers, [line.row_number - 1 for line in malformed])
    table, added = name_columns(entity, table)
    return Content(table.append_column(ROW_NUMBER, pa.array(numbers)), malformed, added)


def _as_utf8(entity: Entity, data: bytes) -> bytes:
    """Check the encoding and NUL bytes; return UTF-8 without a byte-order mark."""
    is_utf8 = entity.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
    if not (is_utf8 and data.isascii()):
        try:
            text = data.decode("utf-8" if is_utf8 else entity.encoding)
        except UnicodeDecodeError as problem:
            line = data.count(b"\n", 0, problem.start) + 1
            raise Refused(
                f"line {line} is not {entity.encoding} text (byte 0x{data[problem.start]:02X}); the file was probably "
                f"saved in another encoding, such as Latin-1. Please export it as {entity.encoding}"
            ) from None
        data = data if is_utf8 else text.encode("utf-8")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise Refused(f"line {line} holds a NUL character, so this is not plain {entity.encoding} text")
    return data.removeprefix(BYTE_ORDER_MARK)


def _header(entity: Entity, data: bytes) -> list[str]:
    first_line = data[: (data.find(b"\n") + 1) or len(data)].decode("utf-8")
    header = next(csv.reader(io.StringIO(first_line), delimiter=entity.delimiter), [])
    if not set(header) & {name for column in entity.columns for name in column.source_names}:
        raise Refused("line 1 holds none of the column names in the contract. Please deliver it with its header")
    if "" in header:
        raise Refused("line 1 holds the column names, and one of them is empty. Please give that column a name")
    if doubled := sorted({name for name in header if header.count(name) > 1}):
        raise Refused(f"line 1 names the column '{doubled[0]}' twice, so its values cannot be told apart")
    return header


def _parse_csv(entity: Entity, header: list[str], data: bytes, bad: list) -> pa.Table:
    """Parse text columns in one block and one thread: only then does pyarrow number the lines it cannot use."""

    def set_aside(row: pa.csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    try:
        return pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pa.csv.ParseOptions(
                delimiter=entity.delimiter, newlines_in_values=b'"' in data, invalid_row_handler=set_aside
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:  # its message quotes the line, and reasons are read by people who may not see the data
        raise Refused("the file is not readable as CSV: its quotation marks or line ends are broken") from None


def _without_sentinel(table: pa.Table, bad: list) -> pa.Table:
    """Take the sentinel out again. Raises Refused if an open quotation mark swallowed it."""
    sentinel = SENTINEL.decode().strip()
    if bad and bad[-1].text == sentinel:
        bad.pop()
        return table
    if table.num_columns == 1 and table.num_rows and table.column(0)[-1].as_py() == sentinel:
        return table.slice(0, table.num_rows - 1)
    row = bad[-1].number - 1 if bad and sentinel in bad[-1].text else table.num_rows + len(bad)
    raise Refused(
        f"in data row {row} a quotation mark is opened and never closed: the file is cut off or the mark is stray. "
        "Please deliver it again"
    )


def _malformed(row: pa.csv.InvalidRow) -> MalformedLine:
    reason = f"the line has {row.actual_columns} fields instead of {row.expected_columns}"
    return MalformedLine(row.number - 1, row.text, reason)  # pyarrow counts the header as row 1


def _read_jsonl(entity: Entity, data: bytes) -> Content:
    data = _as_utf8(entity, data)
    if not data.endswith(b"\n"):
        line = data.count(b"\n") + 1
        raise Refused(f"the file is cut off: line {line}, the last, does not end. Please deliver it again")
    if (table := plain_objects(entity, data)) is not None:
        return content_of_columns(entity, table)
    lines = [line for line in data.decode("utf-8").split("\n") if line.strip()]
    records, numbers, malformed = [], [], []
    names: dict[str, None] = {}
    for number, line in enumerate(lines, start=1):
        try:
            # Numbers stay as they are written: 1.10 must not become 1.1.
            record = json.loads(line, parse_float=Decimal)
            if not isinstance(record, dict):
                raise ValueError("it is no JSON object")
            if "\\u" in line and not all(is_storable(as_text(text) or "") for text in (*record, *record.values())):
                raise ValueError("it holds a character that the warehouse cannot store")
        except ValueError as problem:
            malformed.append(MalformedLine(number, line, f"the line cannot be read as JSON: {problem}"))
            continue
        records.append(record)
        numbers.append(number)
        names |= dict.fromkeys(record)
    if malformed and malformed[-1].row_number == len(lines):
        raise Refused(f"the file is cut off: line {len(lines)}, the last, is no whole JSON. Please deliver it again")
    content = content_of_records(entity, records, names)
    table = content.table.set_column(content.table.num_columns - 1, ROW_NUMBER, pa.array(numbers, pa.int64()))
    return Content(table, tuple(malformed), content.added_columns)


def content_of_records(entity: Entity, records: list[dict], names: Iterable[str]) -> Content:
    """Make the content of a batch from records; `names` are the keys they use. Raises Refused."""
    source_names = [column.source_name for column in entity.columns]
    return content_of_columns(entity, records_as_text(records, names if records else source_names))


def content_of_columns(entity: Entity, table: pa.Table) -> Content:
    """Make the content of a batch from text columns under the source's names. Raises Refused."""
    table, added = name_columns(entity, table)
    if holds_nul(table):
        raise Refused("a text holds a NUL character, which the warehouse cannot store")
    return Content(table.append_column(ROW_NUMBER, _counted(table.num_rows)), (), added)


def _read_parquet(entity: Entity, data: bytes) -> Content:
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as problem:
        said = _first_line(problem)
        raise Refused(f"the file is no readable Parquet file ({said}). Please deliver it again") from None
    try:
        return content_of_columns(entity, table_as_text(table))
    except pa.ArrowInvalid:
        raise Refused("a value cannot be written as text") from None


def _counted(rows: int) -> pa.Array:
    return pa.array(np.arange(1, rows + 1, dtype=np.int64))


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0].rstrip(". ")
