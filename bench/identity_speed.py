"""Linking a large table, ours from warehouse to warehouse and plain Splink from a file, in one run.

`python -m bench.identity_speed [--records N] [--check]`: synthetic persons, a fifth of the records duplicates with
an error. Plain Splink: the blocking rules, comparisons and training of its example for larger tables
(docs/demos/examples/duckdb/deduplicate_50k_synthetic), connected components at 0.95. Then an increment of ours: 1 % of
the records, a third each new, changed and removed. `--check` compares what the increment left with a full build by the
same model. Every side runs in a process of its own on the same embedded server; seconds are those of the wall, CPU
seconds those of the side's own process (PostgreSQL's are not in them).
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from faker import Faker
from rich.table import Table

from bench.identity import SEED
from bench.peers.splink_plain import plain_splink
from ml.identity.evaluation import quality
from ml.identity.learned import Model
from ml.identity.mapping import read_mapping
from ml.identity.store import link_records
from runtime import bootstrap, home, postgres
from runtime.progress import console
from runtime.settings import PREFIX, settings
from runtime.warehouse import copy_frame, read_frame, transaction

COLUMNS = {
    "given": "given_name",
    "family": "surname",
    "born": "birth_date",
    "postcode": "postcode",
    "town": "town",
    "email": "email",
}
MAPPING = read_mapping({"record_id": "record_id", "columns": COLUMNS})
RECORDS, CHANGED, INTO, CHECK = (f"identity.bench_{name}" for name in ("people", "changed", "person", "check"))
TABLES = ("edges", "clusters", "held", "suspicious")


def main() -> None:
    """Measure on an embedded server of its own; print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000, help="records (default: 1,000,000)")
    parser.add_argument("--check", action="store_true", help="compare the increment with a full build")
    parser.add_argument("--without-splink", action="store_true", help="measure ours only")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder:
        os.environ |= {"CX_HOME": str(Path(folder) / "home"), "CX_DATASET": "complete_journey"}
        try:
            postgres.start(settings())
            bootstrap.bootstrap(settings())
            results = measure(Path(folder), given)
        finally:
            postgres.stop(settings())
            home.remove(settings())
    show(results)
    print(json.dumps(results))


def measure(folder: Path, given: argparse.Namespace) -> dict[str, float | str]:
    """Run all sides and give their figures."""
    table, truth = people(given.records)
    table.insert(0, "record_id", [f"r{number}" for number in range(len(table))])
    known = pd.Series(truth, index=table["record_id"])
    part = len(table) // 300  # a third of 1 %
    file, model = folder / "linkage.duckdb", folder / "model.parquet"
    results: dict[str, float | str] = {
        "records": len(table),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    if not given.without_splink:
        numbered = table.drop(columns="record_id").reset_index(names="unique_id")
        numbered.to_parquet(folder / "people.parquet", index=False)
        console.print("  Splink from a file …")
        results |= apart("splink", plain_splink, folder / "people.parquet", folder / "splink.parquet")
        found = pd.read_parquet(folder / "splink.parquet").set_index("unique_id")["cluster_id"]
        results |= scores("splink", found.set_axis(table["record_id"].iloc[found.index]), known)
    load(table.iloc[part:])
    console.print("  ours, full build …")
    results |= apart("full", full_build, file, model)
    results |= scores("full", clusters(), known)
    change(table.iloc[:part], table.iloc[part : 2 * part], table.iloc[2 * part : 3 * part])
    console.print("  ours, increment …")
    results |= apart("increment", increment, file, model)
    if "splink_seconds" in results:
        results["full_ratio"] = round(results["full_seconds"] / results["splink_seconds"], 2)
        results["full_cpu_ratio"] = round(results["full_cpu_seconds"] / results["splink_cpu_seconds"], 2)
    results["increment_ratio"] = round(results["increment_seconds"] / results["full_seconds"], 3)
    results["increment_cpu_ratio"] = round(results["increment_cpu_seconds"] / results["full_cpu_seconds"], 3)
    if given.check:
        console.print("  a full build of what the increment left …")
        apart("check", check, model)
        results["rows_that_differ"] = differences()
    return results


def scores(side: str, found: pd.Series, truth: pd.Series) -> dict[str, float]:
    """Compare clusters with the truth."""
    both = pd.concat([found.rename("found"), truth.rename("truth")], axis=1, join="inner")
    measured = quality(both["found"].to_numpy(), both["truth"].to_numpy())
    names = ("precision", "recall", "f1", "cluster_f1")
    return {f"{side}_{name}": round(getattr(measured, name), 4) for name in names}


def load(table: pd.DataFrame) -> None:
    """Write the records to the warehouse."""
    columns = ", ".join(f"{name} text" for name in table.columns)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(f"create table {RECORDS} ({columns}, primary key (record_id))")
        copy_frame(connection, table, RECORDS)
        cursor.execute(f"analyze {RECORDS}")


def change(new: pd.DataFrame, moved: pd.DataFrame, gone: pd.DataFrame) -> None:
    """Add, change and remove records, and note which."""
    with transaction() as connection, connection.cursor() as cursor:
        ids = [frame["record_id"].tolist() for frame in (new, moved, gone)]
        copy_frame(connection, new, RECORDS)
        cursor.execute(
            f"""update {RECORDS} r set town = o.town, postcode = o.postcode from unnest(%s, %s) as moved (id, other)
            join {RECORDS} o on o.record_id = other where r.record_id = moved.id""",
            (ids[1], ids[1][1:] + ids[1][:1]),
        )
        cursor.execute(f"delete from {RECORDS} where record_id = any(%s)", (ids[2],))
        cursor.execute(f"create table {CHANGED} as select unnest(%s) as record_id", (sum(ids, []),))


def full_build(file: Path, model: Path) -> None:
    """Learn and link from warehouse to warehouse."""
    with transaction() as connection:
        written = link_records(connection, f"select * from {RECORDS}", MAPPING, INTO, file=file)
    model.write_bytes(written.model.to_bytes())


def increment(file: Path, model: Path) -> None:
    """Link what changed."""
    known = Model.from_bytes(model.read_bytes())
    with transaction() as connection:
        query, changed = f"select * from {RECORDS}", f"select record_id from {CHANGED}"
        written = link_records(connection, query, MAPPING, INTO, model=known, changed=changed, file=file)
    if not written.was_increment:
        raise SystemExit("The increment was a full build: the comparison is void.")


def check(model: Path) -> None:
    """Link all that is there now, into other tables."""
    known = Model.from_bytes(model.read_bytes())
    with transaction() as connection:
        link_records(connection, f"select * from {RECORDS}", MAPPING, CHECK, model=known)


def differences() -> int:
    """Count the rows in which the tables of the increment and of the full build differ."""
    with transaction() as connection:
        ways = [
            f"(select * from {one}_{name} except select * from {other}_{name})"
            for name in TABLES
            for one, other in ((INTO, CHECK), (CHECK, INTO))
        ]
        counts = " + ".join(f"(select count(*) from {way} as way)" for way in ways)
        return int(read_frame(connection, f"select {counts} as n")["n"].item())


def clusters() -> pd.Series:
    """Read who is one person."""
    with transaction() as connection:
        return read_frame(connection, f"select * from {INTO}_clusters").set_index("record_id")["cluster_id"]


def apart(name: str, side: Callable[..., None], *arguments: Path) -> dict[str, float]:
    """Run a side in a process of its own; give its seconds, CPU seconds, the peak of its memory and the load."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=timed, args=(there, side, arguments))
    process.start()
    there.close()
    try:
        seconds, cpu, peak = here.recv()
    except EOFError:
        process.join()
        sys.exit(f"The process of {name} ended without an answer (exit code {process.exitcode}).")
    process.join()
    figures = {"seconds": seconds, "cpu_seconds": cpu, "peak_rss_mb": peak, "load": os.getloadavg()[0]}
    return {f"{name}_{what}": round(figure, 1) for what, figure in figures.items()}


def timed(connection, side: Callable[..., None], arguments: tuple[Path, ...]) -> None:
    """Run in the child: time the side."""
    begun, used = time.perf_counter(), time.process_time()
    side(*arguments)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    connection.send((seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def show(results: dict[str, float | str]) -> None:
    """Print the table."""
    shown = Table(title=f"{results['records']:,} records, {results['machine']}", width=110)
    names = ("seconds", "cpu_seconds", "peak_rss_mb", "load", "precision", "recall", "f1", "cluster_f1")
    for name in ("side", *names):
        shown.add_column(name, justify="left" if name == "side" else "right")
    for side in ("splink", "full", "increment"):
        if f"{side}_seconds" in results:
            shown.add_row(side, *(str(results.get(f"{side}_{name}", "")) for name in names))
    console.print(shown)


def people(count: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Make `count` records of about four fifths as many persons, and who they are."""
    chance = np.random.default_rng(SEED)
    faker = Faker("de_DE")
    faker.seed_instance(SEED)
    givens = np.array(sorted({faker.first_name() for _ in range(4000)}), dtype=object)
    families = np.array(sorted({faker.last_name() for _ in range(20_000)}), dtype=object)
    towns = np.array(sorted({faker.city() for _ in range(20_000)}), dtype=object)
    persons = int(count * 0.8)
    common = lambda names: names[np.minimum((chance.random(persons) ** 2 * len(names)).astype(int), len(names) - 1)]  # noqa: E731
    born = np.datetime64("1935-01-01") + chance.integers(0, 25_500, persons).astype("timedelta64[D]")
    place = chance.integers(0, 8000, persons)
    base = pd.DataFrame({"given": common(givens), "family": common(families), "born": born.astype(str)})
    base["postcode"] = (10_000 + place * 11).astype(str)
    base["town"] = towns[place % len(towns)]
    base["email"] = (
        base["given"].str[:1] + "." + base["family"] + chance.integers(1, 999, persons).astype(str) + "@mail.example"
    )
    base.loc[chance.random(persons) < 0.4, "email"] = None
    who = np.concatenate([np.arange(persons), chance.integers(0, persons, count - persons)])
    table = base.iloc[who].reset_index(drop=True)
    wrong = np.arange(count) >= persons
    for name in ("given", "family", "town"):
        hit = wrong & (chance.random(count) < 0.3)
        table.loc[hit, name] = [
            misspelled(word, at) for word, at in zip(table.loc[hit, name], chance.random(hit.sum()), strict=True)
        ]
    moved = wrong & (chance.random(count) < 0.2)
    table.loc[moved, ["postcode", "town"]] = table.loc[
        chance.permutation(np.flatnonzero(moved)), ["postcode", "town"]
    ].to_numpy()
    hit = wrong & (chance.random(count) < 0.15)
    table.loc[hit, "born"] = table.loc[hit, "born"].str[:8] + "01"
    order = chance.permutation(count)
    return table.iloc[order].reset_index(drop=True), who[order]


def misspelled(word: str, at: float) -> str:
    """Leave out one letter."""
    place = int(at * len(word))
    return word[:place] + word[place + 1 :]


if __name__ == "__main__":
    main()
