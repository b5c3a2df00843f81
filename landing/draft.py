"""Drafts a contract from a delivered file: what a person would look up first, left to be read and corrected.

Types, formats, required and wanted columns, keys and personal columns are guesses from this one file. Nothing of a row
goes into the draft but values that stand for "nothing known" and those of columns with a handful of values.
"""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from landing.columns import FORMATS
from landing.contracts import Contract
from landing.readers import raw_name
from landing.text import records_as_text, table_as_text

ENCODINGS = ("utf-8", "cp1252")  # what is no UTF-8 was most often saved by a Windows program
DELIMITERS = ",;\t|"
FEW_VALUES = 12  # a list that whoever reads the draft can check at a glance
WANTED_SHARE = 0.8  # a column that is filled this often is meant to be filled
PLACEHOLDERS = {"n/a", "na", "null", "none", "unknown", "unbekannt", "01.01.1900", "1900-01-01", "000000", "00000", "-"}
# A value of each type and format as a whole; the first that all values keep is taken.
WRITTEN: tuple[tuple[str, str | None, str], ...] = (
    ("boolean", None, r"(?i)true|false"),
    ("boolean", "J/N", r"[JN]"),
    ("timestamp", "YYYYMMDDHH24MISS", r"(19|20)\d{12}"),
    ("timestamp", "epoch_milliseconds", r"1\d{12}"),
    ("timestamp", "epoch_seconds", r"1\d{9}"),
    ("integer", None, r"-?(0|[1-9]\d{0,17})"),
    ("decimal", None, r"-?\d+\.\d+|-?(0|[1-9]\d*)"),
    ("decimal", "decimal_comma", r"-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?"),
    ("date", "DD.MM.YYYY", r"\d{2}\.\d{2}\.\d{4}"),
    ("timestamp", "DD.MM.YYYY HH24:MI", r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}"),
    ("date", None, r"\d{4}-\d{2}-\d{2}"),
    ("timestamp", None, r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"),
)
PERSONAL = re.compile(
    r"name|mail|phone|tel|mobil|street|strasse|straße|address|adresse|postcode|zip|plz|town|city|ort\b|birth|geburt"
    r"|card|karte|iban|customer|kunde|account|login|household",
    re.I,
)
MAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"


class CannotDraft(ValueError):
    """The file cannot be read as CSV, JSON lines or Parquet; the message says what to do."""


def draft(path: Path, department: str, entity: str) -> str:
    """Return the draft of a contract as YAML, with remarks; it can be read by `load_contract` as it is."""
    table, form = read(path)
    columns, remarks = [], []
    for delivered in table.column_names:
        column, remark = _column(delivered, table[delivered], table.num_rows)
        columns.append(column)
        remarks.append(remark)
    keys = [c["name"] for c, name in zip(columns, table.column_names, strict=True) if _is_key(table[name])][:1]
    contract = {
        "department": department,
        "owner": "TO FILL IN: who to ask when a delivery is refused",
        "description": "TO FILL IN: what the department knows of the customer",
        "time_zone": "UTC",
        "source": {"kind": "file"},
        "retention_days": 1095,
        "entities": [
            {
                "name": entity,
                "description": "One row per TO FILL IN",
                "path": f"{department}/{entity}_{{date}}.{form['format']}",
                **form,
                "load": "append",
                **({"keys": keys} if keys else {}),
                "freshness": {"warn_after_days": 1, "hold_after_days": 3},
                "columns": columns,
            }
        ],
    }
    Contract.model_validate(contract)
    return _written(contract, columns, remarks, path, keys)


def read(path: Path) -> tuple[pa.Table, dict[str, str]]:
    """Read a file as text columns; return it with the contract's keys `format`, `encoding`, `delimiter`."""
    data = path.read_bytes()
    if not data:
        raise CannotDraft(f"{path.name} is empty.")
    try:
        if path.suffix == ".parquet":
            return table_as_text(pq.read_table(pa.BufferReader(data))), {"format": "parquet"}
        text, encoding = _decoded(data)
        given = {} if encoding == "utf-8" else {"encoding": encoding}
        if path.suffix in (".jsonl", ".ndjson") or text.lstrip().startswith("{"):
            import json

            records = [json.loads(line) for line in text.splitlines() if line.strip()]
            names = dict.fromkeys(name for record in records for name in record)
            return records_as_text(records, names), {"format": "jsonl", **given}
        first = text.splitlines()[0]
        delimiter = max(DELIMITERS, key=first.count)
        header, *rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        rows = [row for row in rows if len(row) == len(header)]
        values = list(zip(*rows, strict=True)) or [()] * len(header)
        table = pa.table(
            {name: pa.array(list(column), pa.string()) for name, column in zip(header, values, strict=True)}
        )
        return table, {"format": "csv", **given, **({} if delimiter == "," else {"delimiter": delimiter})}
    except (pa.ArrowInvalid, ValueError, AttributeError) as problem:
        raise CannotDraft(f"{path.name} is no readable CSV, JSON lines or Parquet file ({problem}).") from None


def _decoded(data: bytes) -> tuple[str, str]:
    for encoding in ENCODINGS:
        try:
            return data.decode("utf-8-sig" if encoding == "utf-8" else encoding), encoding
        except UnicodeDecodeError:
            continue
    raise CannotDraft(f"The text is neither {' nor '.join(ENCODINGS)}.")


def _column(delivered: str, values: pa.ChunkedArray, rows: int) -> tuple[dict, str]:
    """Draft one column; the remark says how often it is filled and how many values it has."""
    name = raw_name(delivered)
    column: dict = {"name": name} | ({"delivered_as": delivered} if name != delivered else {})
    filled = [value.strip() for value in values.to_pylist() if value and value.strip()]
    stand_ins = sorted({value for value in filled if value.lower() in PLACEHOLDERS})
    told = [value for value in filled if value not in stand_ins]
    distinct = set(told)
    column |= _type(distinct)
    if len(filled) == rows:
        column["required"] = True
    elif len(filled) >= WANTED_SHARE * rows:
        column["wanted"] = True
    if stand_ins:
        column["placeholders"] = stand_ins
    if column["type"] == "text" and 1 < len(distinct) <= FEW_VALUES < rows / 4 and not PERSONAL.search(delivered):
        column["values"] = sorted(distinct)
    if PERSONAL.search(delivered) or (told and all(re.fullmatch(MAIL, value) for value in told)):
        column["personal_data"] = True
    if column["type"] == "text":
        del column["type"]
    return column, f"{len(filled) / max(rows, 1):.0%} filled, {len(distinct):,} values"


def _type(distinct: set[str]) -> dict[str, str]:
    for kind, form, pattern in WRITTEN:
        assert form is None or FORMATS[form] == kind
        if distinct and all(re.fullmatch(pattern, value) for value in distinct):
            return {"type": kind} | ({"format": form} if form else {})
    return {"type": "text"}


def _is_key(values: pa.ChunkedArray) -> bool:
    return bool(len(values)) and values.null_count == 0 and pc.count_distinct(values).as_py() == len(values)


def _written(contract: dict, columns: list[dict], remarks: list[str], path: Path, keys: list[str]) -> str:
    """Write the YAML with one line per column and what was seen beside it."""
    flow: Callable[[dict], str] = lambda column: yaml.safe_dump(  # noqa: E731
        column, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    ).strip()
    whole = yaml.safe_dump(contract | {"entities": []}, sort_keys=False, allow_unicode=True).replace(
        "entities: []\n", ""
    )
    entity = {name: value for name, value in contract["entities"][0].items() if name != "columns"}
    lines = [f"# Drafted from {path.name}; every line is a guess. All keys: docs/contracts.md"]
    lines += [whole.rstrip(), "entities:"]
    body = yaml.safe_dump(entity, sort_keys=False, allow_unicode=True).splitlines()
    lines += [f"  {'- ' if number == 0 else '  '}{line}" for number, line in enumerate(body)]
    if not keys:
        lines.append("    # no column tells the rows apart: write keys: [a, b], or a second file for a day is refused")
    lines.append("    columns:")
    lines += [f"      - {flow(column)}  # {remark}" for column, remark in zip(columns, remarks, strict=True)]
    return "\n".join(lines) + "\n"
