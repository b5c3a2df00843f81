"""Columns as the bytes of a file: CSV and JSON lines, a million rows a second, the same bytes every time."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq


def csv_bytes(columns: dict[str, np.ndarray], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """Write a CSV file with a header, fields quoted where needed; what the encoding lacks becomes a question mark."""
    buffer = io.BytesIO()
    options = pa.csv.WriteOptions(delimiter=delimiter, quoting_style="needed", quoting_header="needed")
    pa.csv.write_csv(table(columns), buffer, options)
    data = buffer.getvalue()
    return data if encoding == "utf-8" else data.decode("utf-8").encode(encoding, errors="replace")


def jsonl_bytes(columns: dict[str, np.ndarray], free_text: tuple[str, ...] = ()) -> bytes:
    """Write one JSON object a line. Empty text becomes null; columns in `free_text` are escaped, others hold codes."""
    rows = table(columns)
    if not rows.num_rows:
        return b""
    pieces, lead = [], "{"
    for name in rows.column_names:
        pieces += [f'{lead}"{name}": ', _json(rows[name], name in free_text)]
        lead = ", "
    lines = pc.binary_join_element_wise(*pieces, "}\n", "")
    return b"".join(lines.combine_chunks().cast(pa.binary()).to_numpy(zero_copy_only=False))


def parquet_bytes(columns: dict[str, np.ndarray]) -> bytes:
    """Write a Parquet file; its bytes depend on the columns and the version of pyarrow alone."""
    buffer = io.BytesIO()
    pq.write_table(table(columns), buffer, compression="snappy")
    return buffer.getvalue()


def german_amount(cents: np.ndarray) -> np.ndarray:
    """Write cents as EUR with a decimal comma: 1299 becomes 12,99."""
    tens, ones = ((cents // 10) % 10).astype("U1"), (cents % 10).astype("U1")
    return np.strings.add(np.strings.add((cents // 100).astype("U10"), ","), np.strings.add(tens, ones))


def as_text(values: np.ndarray) -> np.ndarray:
    """Turn an object array of texts into one that numpy's string functions take."""
    return np.asarray(values).astype("U")


def table(columns: dict[str, np.ndarray]) -> pa.Table:
    """Make an Arrow table; empty text means "not there"."""
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: np.ndarray) -> pa.Array:
    array = pa.array(values)
    if pa.types.is_string(array.type):
        return pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array)
    return array


def _json(column: pa.ChunkedArray, is_free: bool) -> pa.ChunkedArray | pa.Array:
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    if is_free:
        return pa.array([json.dumps(value, ensure_ascii=False) for value in column.to_pylist()], pa.string())
    quoted = pc.binary_join_element_wise('"', column, '"', "")
    return pc.coalesce(quoted, "null")
