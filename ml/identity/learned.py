"""What was learned from a table, as one immutable thing that can be kept: with it, scores depend on the records alone.

Saved as one Parquet file: parameters and keys in its metadata, value frequencies as its rows. Values are personal
data, so they are kept as 64-bit hashes, and only those that at least three share (rarer ones weigh as if unseen).
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pyarrow
import pyarrow.parquet

from ml.identity.blocking import Key
from ml.identity.comparisons import comparisons, groups, roles
from ml.identity.mapping import Mapping, MappingError
from ml.identity.model import Parameters

FORMAT = 1


@dataclass(frozen=True)
class Rarity:
    """How frequent the values of a column are: `known` records have one; `values` (sorted hashes) and their counts."""

    known: int
    values: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Model:
    """Parameters, blocking keys and value frequencies (by comparison column), learned from `records` records.

    `columns`: name and kind of each column, so that a model is not used for another mapping.
    """

    parameters: Parameters
    keys: tuple[Key, ...]
    rarity: dict[str, Rarity]
    columns: tuple[tuple[str, str], ...]
    records: int

    @cached_property
    def id(self) -> str:
        """The name of this model: a hash of all that it says."""
        content = hashlib.sha256(json.dumps(self.said(), sort_keys=True).encode())
        for name in sorted(self.rarity):
            content.update(self.rarity[name].values.tobytes() + self.rarity[name].counts.tobytes())
        return content.hexdigest()[:32]

    def said(self) -> dict:
        """Give everything but the frequencies, as JSON takes it."""
        return {
            "format": FORMAT,
            "m": [m.tolist() for m in self.parameters.m],
            "u": [u.tolist() for u in self.parameters.u],
            "household": [household.tolist() for household in self.parameters.household],
            "roles": list(self.parameters.roles),
            "shares": [self.parameters.same, self.parameters.moved, self.parameters.together],
            "keys": [asdict(key) for key in self.keys],
            "known": {name: rarity.known for name, rarity in self.rarity.items()},
            "columns": [list(column) for column in self.columns],
            "records": self.records,
        }

    def to_bytes(self) -> bytes:
        """Write the model."""
        names = sorted(self.rarity)
        sizes = [len(self.rarity[name].values) for name in names]
        table = pyarrow.table(
            {
                "column": pyarrow.array(np.repeat(np.array(names, dtype=object), sizes), pyarrow.string()),
                "value": np.concatenate([np.empty(0, np.uint64), *(self.rarity[name].values for name in names)]),
                "records": np.concatenate([np.empty(0, np.int64), *(self.rarity[name].counts for name in names)]),
            }
        ).replace_schema_metadata({"model": json.dumps(self.said())})
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(table, buffer)
        return buffer.getvalue()

    @staticmethod
    def from_bytes(content: bytes) -> "Model":
        """Read what `to_bytes` wrote; `ValueError` for anything else."""
        try:
            table = pyarrow.parquet.read_table(io.BytesIO(content))
            said = json.loads(table.schema.metadata[b"model"])
        except (pyarrow.ArrowInvalid, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"This is no saved model: {error}") from error
        if said["format"] != FORMAT:
            raise ValueError(f"The model has format {said['format']}; this version reads format {FORMAT}. Learn anew.")
        column = table["column"].to_numpy(zero_copy_only=False)
        value, records = table["value"].to_numpy(), table["records"].to_numpy()
        return Model(
            Parameters(
                *([np.array(each) for each in said[name]] for name in ("m", "u", "household")),
                tuple(said["roles"]),
                *said["shares"],
            ),
            tuple(Key(tuple(key["parts"]), key["says"], key["limit"]) for key in said["keys"]),
            {name: Rarity(n, value[column == name], records[column == name]) for name, n in said["known"].items()},
            tuple((name, kind) for name, kind in said["columns"]),
            said["records"],
        )

    def check(self, mapping: Mapping) -> None:
        """Raise `MappingError` if the model was learned for other columns, or by other comparisons."""
        columns = columns_of(mapping)
        if self.columns != columns:
            raise MappingError(f"The model knows the columns {dict(self.columns)}, the mapping {dict(columns)}.")
        if [len(m) for m in self.parameters.m] != [len(groups(each)) for each in comparisons(mapping)]:
            raise MappingError("The model was learned with other levels of comparison; learn anew.")


def untaught(mapping: Mapping) -> Model:
    """Give the model of a table too small to learn from: no keys, so it compares nothing and only rules decide."""
    sizes = [len(groups(each)) for each in comparisons(mapping)]
    even = [np.full(size, 1 / size) for size in sizes]
    parameters = Parameters(even, even, even, roles(mapping), 0.0, 0.0, 0.0)
    return Model(parameters, (), {}, columns_of(mapping), 0)


def columns_of(mapping: Mapping) -> tuple[tuple[str, str], ...]:
    """Give name and kind of the columns of a mapping."""
    return tuple((column.name, column.kind) for column in mapping.columns)
