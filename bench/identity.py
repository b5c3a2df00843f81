"""Record linkage, ours and Splink as documented.

`python -m bench.identity --records F [--records2 F2] --columns MAP.yml --truth COL`

Files are CSV, TSV or Parquet. Neither side sees the truth, the record ids or the order of the file: both get the
mapped columns in a shuffled order. With `--records2` two files without duplicates in themselves are linked, one to one.
The truth may hide in an id (`--truth rec_id --truth-pattern 'rec-(\\d+)'`) or stand in a file of
its own, row by row (`--truth-file`). Each side runs in a process of its own, one after the other.
Without arguments: every public data set that stands beside the project, settings the same for all.

`precision, recall, f1` count pairs of the partition, `cluster_f1` is B-cubed. `splink_best_f1`: Splink at whichever of
its documented thresholds is best with the truth, a help that ours does not get.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from rich.table import Table

from bench.peers.splink_documented import splink_partitions
from ml.identity.evaluation import quality
from ml.identity.link import link
from ml.identity.mapping import Mapping, MappingError, load_mapping
from runtime.progress import console

MAPS = Path(__file__).parent / "identity_maps"
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "datasets" / "identity"
SEED = 20
SOURCE = "source of the record"


@dataclass(frozen=True)
class Task:
    """One measurement: files, what their columns are, and where the truth stands."""

    name: str
    records: Path
    columns: Path
    truth: str
    records2: Path | None = None
    truth_pattern: str | None = None
    truth_file: Path | None = None


def standard(beside: Path) -> list[Task]:
    """Give the public sets beside the project; those that are absent are left out."""
    febrl, rec = beside / "febrl", {"truth": "rec_id", "truth_pattern": r"rec-(\d+)-"}
    tasks = [Task(f"febrl{n}", febrl / f"dataset{n}.csv", MAPS / "febrl.yml", **rec) for n in (1, 2, 3)]
    tasks.append(Task("febrl4", febrl / "dataset4a.csv", MAPS / "febrl.yml", records2=febrl / "dataset4b.csv", **rec))
    tasks.append(Task("fake_1000", beside / "splink" / "fake_1000.csv", MAPS / "fake_1000.yml", "cluster"))
    for name in ("RLdata500", "RLdata10000"):
        folder = beside / "rldata"
        truth = folder / f"identity.{name}.tsv"
        tasks.append(Task(name, folder / f"{name}.tsv", MAPS / "rldata.yml", f"identity.{name}", truth_file=truth))
    return [task for task in tasks if task.records.exists()]


def main() -> None:
    """Measure, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, help="the records: .csv, .tsv or .parquet")
    parser.add_argument("--records2", type=Path, help="a second file, to be linked with the first")
    parser.add_argument("--columns", type=Path, help="the mapping file: which column is what (ml/identity/mapping.py)")
    parser.add_argument("--truth", help="the column that says who is one person")
    parser.add_argument("--truth-pattern", help="a regular expression whose first group is the person")
    parser.add_argument("--truth-file", type=Path, help="a file with the column --truth, row by row")
    parser.add_argument("--datasets", type=Path, default=BESIDE, help="where the public sets stand (default: beside)")
    given = parser.parse_args()
    if given.records is None:
        tasks = standard(given.datasets)
        if not tasks:
            parser.exit(0, f"No data sets stand in {given.datasets}; name a file with --records.\n")
    elif given.columns is None or given.truth is None:
        parser.error("--records needs --columns and --truth")
    else:
        tasks = [
            Task(
                given.records.stem,
                given.records,
                given.columns,
                given.truth,
                given.records2,
                given.truth_pattern,
                given.truth_file,
            )
        ]
    try:
        results = {task.name: measure(task) for task in tasks}
    except (MappingError, OSError) as error:
        sys.exit(str(error))
    show(results)
    print(json.dumps(results if given.records is None else next(iter(results.values()))))


def measure(task: Task) -> dict[str, float]:
    """Run both sides on one task."""
    mapping = load_mapping(task.columns)
    if task.truth in mapping.sources:
        raise MappingError(f"{task.truth} is the truth; {task.columns} must not map it.")
    records, truth = read(task, mapping)
    sources = records[SOURCE].to_numpy() if task.records2 else None
    results: dict[str, float] = {"records": len(records)}
    for prefix, side in (("", ours), ("splink_", splinks)):
        console.print(f"  {task.name}: {'Splink' if prefix else 'ours'} …")
        labels, seconds, peak = apart(side, records, mapping, task.records2 is not None)
        scores = [quality(label, truth, sources) for label in labels]
        results |= {f"{prefix}{name}": round(value, 4) for name, value in asdict(scores[0]).items()}
        results |= {f"{prefix}seconds": round(seconds, 1), f"{prefix}peak_rss_mb": round(peak)}
        if prefix:
            results["splink_best_f1"] = round(max(score.f1 for score in scores), 4)
    return results


def read(task: Task, mapping: Mapping) -> tuple[pd.DataFrame, pd.Series]:
    """Read the mapped columns, shuffled and without ids, and the truth in the same order."""
    frames = [read_file(path) for path in (task.records, task.records2) if path]
    for number, frame in enumerate(frames):
        if task.truth_file is not None:
            frame[task.truth] = read_file(task.truth_file)[task.truth].to_numpy()
        lacking = sorted((set(mapping.sources) | {task.truth}) - set(frame.columns))
        if lacking:
            raise MappingError(
                f"{task.records} has no column {', '.join(lacking)}. It has: {', '.join(frame.columns)}."
            )
        frame[SOURCE] = f"table {number + 1}"
    whole = pd.concat(frames, ignore_index=True).sample(frac=1, random_state=SEED).reset_index(drop=True)
    truth = whole[task.truth]
    if task.truth_pattern:
        truth = truth.astype(str).str.extract(re.compile(task.truth_pattern), expand=True)[0]
    if truth.isna().any():
        raise MappingError(f"{task.truth} is missing in {int(truth.isna().sum())} of {len(truth)} records.")
    return whole[[*sorted(mapping.sources), SOURCE]], truth.to_numpy()


def read_file(path: Path) -> pd.DataFrame:
    """Read a table as text."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    frame = pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, skipinitialspace=True)
    return frame.rename(columns=str.strip)


def ours(records: pd.DataFrame, mapping: Mapping, linked: bool) -> list:
    """Our partition."""
    return [link(records, Mapping(mapping.columns), SOURCE if linked else None).clusters["cluster_id"].to_numpy()]


def splinks(records: pd.DataFrame, mapping: Mapping, linked: bool) -> list:
    """Splink's partitions, the documented threshold first."""
    return [
        part.to_numpy() for part in splink_partitions(records, mapping, records[SOURCE] if linked else None).values()
    ]


def apart(side, records: pd.DataFrame, mapping: Mapping, linked: bool) -> tuple[list, float, float]:
    """Run a side in a process of its own; give its partitions, seconds and the peak of its memory in MB."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=timed, args=(there, side, records, mapping, linked))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        sys.exit(f"The process of {side.__name__} ended without an answer (exit code {process.exitcode}).")
    finally:
        process.join()


def timed(connection, side, records: pd.DataFrame, mapping: Mapping, linked: bool) -> None:
    """Run in the child: time the side and send back what it found."""
    begun = time.perf_counter()
    labels = side(records, mapping, linked)
    seconds = time.perf_counter() - begun
    connection.send((labels, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def show(results: dict[str, dict[str, float]]) -> None:
    """Print the table."""
    table = Table(
        width=110,
        title=f"Record linkage without labels (load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)",
    )
    columns = ("records", "precision", "recall", "f1", "cluster_f1", "seconds", "peak_rss_mb")
    for name in ("set", "side", *columns):
        table.add_column(name, justify="left" if name in ("set", "side") else "right")
    for name, result in results.items():
        table.add_row(name, "ours", *(f"{result[column]:,}" for column in columns))
        table.add_row("", "Splink", "", *(f"{result['splink_' + column]:,}" for column in columns[1:]))
        table.add_row("", "best", "", "", "", f"{result['splink_best_f1']}", "", "", "", end_section=True)
    console.print(table)


if __name__ == "__main__":
    main()
