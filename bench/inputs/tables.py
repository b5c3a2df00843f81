"""Read any table that a measurement is asked for, and make numbers of the columns that describe a customer."""

from pathlib import Path

import numpy as np
import pandas as pd

# A text with more values than this is a name or a moment, and would learn the rows by heart.
MOST_VALUES = 50


def read_table(path: Path) -> pd.DataFrame:
    """Read CSV, TSV (also compressed) or Parquet; a nameless first column is the number of the row and is dropped."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    frame = pd.read_csv(path, sep="\t" if ".tsv" in path.suffixes else ",", skipinitialspace=True)
    return frame.drop(columns=[name for name in frame if str(name).startswith("Unnamed: ")])


def lacking(frame: pd.DataFrame, path: Path, *columns: str | None) -> None:
    """Raise ValueError that says which of `columns` the table does not have."""
    missing = [name for name in columns if name is not None and name not in frame]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}. It has: {', '.join(map(str, frame.columns))}.")


def feature_matrix(frame: pd.DataFrame, names: list[str] | None, used: set[str]) -> tuple[np.ndarray, list[str]]:
    """Return features (n, d) and their names: `names`, or every column not in `used`.

    Numbers stay; a text becomes one column per value. By default left out are texts and moments with more than
    50 values, numbers of rows (whole, all different, rising) and columns that never change.
    """
    chosen = [name for name in frame if name not in used] if names is None else names
    columns, labels = [], []
    for name in chosen:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            if names is None and (column.nunique() < 2 or _numbers_rows(column)):
                continue
            columns.append(column.to_numpy(dtype=float, na_value=np.nan))
            labels.append(str(name))
        elif names is not None or column.nunique() <= MOST_VALUES:
            for value in sorted(column.dropna().astype(str).unique())[:MOST_VALUES]:
                columns.append((column.astype(str) == value).to_numpy(dtype=float))
                labels.append(f"{name}={value}")
    return (np.column_stack(columns) if columns else np.empty((len(frame), 0))), labels


def _numbers_rows(column: pd.Series) -> bool:
    return pd.api.types.is_integer_dtype(column) and column.is_unique and column.is_monotonic_increasing
