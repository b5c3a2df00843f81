"""Deliveries that keep their contract, made from the contract: what any department of any company would hand over."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from landing.columns import Column
from landing.contracts import Contract, Entity

WRITTEN = {
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD.MM.YYYY HH24:MI": "%d.%m.%Y %H:%M",
    "YYYYMMDDHH24MISS": "%Y%m%d%H%M%S",
}


def value(column: Column, number: int, day: date) -> str:
    """A value of the column's type in the source's format; another one for each number where the type has room."""
    moment = datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(minutes=number)
    if column.format in WRITTEN:
        return moment.strftime(WRITTEN[column.format])
    by_format = {
        "epoch_seconds": str(int(moment.timestamp())),
        "epoch_milliseconds": str(int(moment.timestamp() * 1000)),
        "decimal_comma": f"1.{number % 10}34,50",
        "J/N": "JN"[number % 2],
    }
    by_type = {
        "text": f"{column.name}-{day:%m%d}-{number}",
        "integer": str(int(column.minimum or 0) + number % 3),
        "decimal": str(column.minimum or 1.5),
        "timestamp": moment.strftime("%Y-%m-%d %H:%M:%S"),
        "date": day.isoformat(),
        "boolean": "true",
    }
    return by_format[column.format] if column.format else by_type[column.type]


def rows(entity: Entity, count: int, day: date, first: int = 0) -> list[dict[str, str]]:
    """Rows under the source's names."""
    numbers = range(first, first + count)
    return [{column.source_name: value(column, number, day) for column in entity.columns} for number in numbers]


def file_bytes(entity: Entity, records: list[dict]) -> bytes:
    """The records as a file in the entity's format."""
    names = [column.source_name for column in entity.columns]
    if entity.format == "jsonl":
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode(entity.encoding)
    buffer = io.BytesIO()
    if entity.format == "parquet":
        pq.write_table(pa.table({name: [record.get(name) for record in records] for name in names}), buffer)
        return buffer.getvalue()
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=entity.delimiter, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode(entity.encoding)


def drop_file(exports: Path, entity: Entity, day: date, records: list[dict], part: str = "05") -> Path:
    """Put a file where the department would; return its path."""
    path = exports / entity.path.format(date=day.isoformat(), part=part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_bytes(entity, records))
    return path


def lay_out_database(run, contract: Contract, day: date, count: int) -> None:
    """Make and fill the tables that the contract reads, typed; `run(statement, values)` executes."""
    kinds = {"decimal": "numeric", "integer": "bigint"}
    for schema in sorted({entity.table.split(".")[0] for entity in contract.entities}):
        run(f"create schema {schema}")
    for entity in contract.entities:
        columns = ", ".join(f'"{c.source_name}" {kinds.get(c.type, c.type)}' for c in entity.columns)
        run(f"create table {entity.table} ({columns})")
        for record in rows(entity, count, day):
            run(f"insert into {entity.table} values ({', '.join(['%s'] * len(record))})", tuple(record.values()))
