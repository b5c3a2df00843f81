"""Where the company keeps its things: what it hands over, what lies behind its APIs and its shop, and the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.nordhaus import catalogue


@dataclass(frozen=True)
class Storage:
    """`exports` is what departments hand over as files; `company` is nobody's business but the simulator's.

    Below `company`: `state.npz` (the last evening), `behind/<department>/<entity>/<day>.parquet` (what APIs and the
    shop give out), `late/<day>/…` (files that wait for their day), `truth/records/<day>.parquet`.
    """

    exports: Path
    company: Path

    def hand_over(self, files: list[tuple[str, bytes]]) -> list[Path]:
        """Put files into the exports folder, whole or not at all; return their paths."""
        written = []
        for name, data in files:
            path = self.exports / name
            _write(path, data)
            written.append(path)
        return written

    def keep_for(self, day: int, files: list[tuple[str, bytes]]) -> None:
        """Keep files that are handed over late, on `day`."""
        for name, data in files:
            _write(self.company / "late" / str(catalogue.date_of(day)) / name, data)

    def kept_for(self, day: int) -> list[tuple[str, bytes]]:
        """The files whose day has come, in the order of their names."""
        folder = self.company / "late" / str(catalogue.date_of(day))
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        return [(str(path.relative_to(folder)), path.read_bytes()) for path in paths]

    def keep_behind(self, department: str, entity: str, day: int, rows: pa.Table) -> None:
        """Store what an API or the shop has new on `day`."""
        if rows.num_rows:
            self._parquet(self.company / "behind" / department / entity / f"{catalogue.date_of(day)}.parquet", rows)

    def behind(self, department: str, entity: str) -> list[Path]:
        """The stored days of an entity, oldest first."""
        return sorted((self.company / "behind" / department / entity).glob("*.parquet"))

    def open_until(self, day: int) -> None:
        """Let APIs and shop show everything up to the end of `day`."""
        _write(self.company / "today", str(day).encode())

    def tell_truth(self, day: int, notes: list[tuple[str, str, dict[str, np.ndarray]]]) -> None:
        """Write who is behind each record of the day, and what was planted in it.

        `notes`: department, entity and columns record_key, person, defect (intent where there is one).
        """
        parts = []
        for department, entity, note in notes:
            count = len(note["person"])
            empty = np.full(count, "")
            parts.append(
                pa.table(
                    {
                        "department": pa.array([department] * count, pa.string()).dictionary_encode(),
                        "entity": pa.array([entity] * count, pa.string()).dictionary_encode(),
                        "record_key": pa.array(note["record_key"], pa.string()),
                        "person": pa.array(note["person"], pa.int64()),
                        "defect": pa.array(note["defect"], pa.string()).dictionary_encode(),
                        "field": pa.array(note.get("field", empty), pa.string()).dictionary_encode(),
                        "intent": pa.array(note.get("intent", empty), pa.string()).dictionary_encode(),
                    }
                )
            )
        rows = pa.concat_tables(parts).unify_dictionaries() if parts else None
        if rows is not None:
            self._parquet(self.company / "truth" / "records" / f"{catalogue.date_of(day)}.parquet", rows)

    @staticmethod
    def _parquet(path: Path, rows: pa.Table) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        pq.write_table(rows, beside, compression="zstd")
        beside.replace(path)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)
