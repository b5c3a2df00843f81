"""How many wrong cells of a file its contract finds: `python -m bench.dirty --dirty F --clean F --contract C.yml`.

The dirty file is landed as a department without code: the contract alone, in a platform of its own, through the real
landing and the raw gate. Marked is every cell that waits in quarantine or stands in `quality.suspect_values`. Truly
wrong is every cell that differs from the clean file, compared as text, row by row and column by column in the order of
both files (CSV, TSV or Parquet). The contract must have been written without the clean file.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from expectations.gate import GateFailed
from expectations.raw_gate import check_raw
from landing.contracts import Entity, load_contract
from landing.land import land_department
from runtime import bootstrap, home, postgres
from runtime.progress import console
from runtime.settings import PREFIX, Settings, settings
from runtime.warehouse import read_frame, transaction

DAY = date(2025, 1, 1)


def main() -> None:
    """Land, compare, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, text in (("dirty", "the file to land"), ("clean", "the same rows and columns as they should be")):
        parser.add_argument(f"--{name}", type=Path, help=text)
    parser.add_argument("--contract", type=Path, help="a contract with one entity, e.g. bench/contracts/beers.yml")
    given = parser.parse_args()
    if not (given.dirty and given.clean and given.contract):  # `make bench` runs every benchmark without arguments
        print("bench.dirty needs --dirty, --clean and --contract; nothing was measured.")
        return
    with own_platform(given.contract):
        entity, marked, said = landed(given.dirty, given.contract.stem)
    wrong = wrong_cells(frame(given.dirty), frame(given.clean), entity)
    report(given.dirty, wrong, marked, said)


@contextmanager
def own_platform(contract: Path) -> Iterator[Settings]:
    """An embedded server whose only department is that of the contract; removed afterwards."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="cxloop-dirty-") as folder:
        Path(folder).chmod(0o755)
        os.environ |= {"CX_HOME": f"{folder}/home", "CX_DATASET": "none"}
        given = settings()
        try:
            postgres.start(given)
            place = given.home / "departments" / contract.name
            place.parent.mkdir()
            place.write_bytes(contract.read_bytes())
            bootstrap.bootstrap(given)
            yield given
        finally:
            postgres.stop(given)
            home.remove(given)


def landed(dirty: Path, department: str) -> tuple[Entity, pd.DataFrame, str]:
    """Land the file and let the gate judge it; return the entity, the marked cells and what the gate said."""
    (entity,) = load_contract(department).entities
    path = settings().exports_dir / entity.path.format(date=DAY, part="0")
    path.parent.mkdir(parents=True)
    path.write_bytes(dirty.read_bytes())
    refused = [batch.reason for batch in land_department(department, DAY).batches if batch.status == "refused"]
    if refused:
        raise SystemExit(f"The file was refused, so no cell can be compared. {refused[0]}")
    said = "the batch is accepted"
    try:
        check_raw(department, DAY)
    except GateFailed as failure:
        said = str(failure)
    query = """
        select row_number, unnest(string_to_array(field, ', ')) as field, rule, reason
        from quarantine.rejected_rows where department = %s
        union
        select row_number, field, rule, reason from quality.suspect_values where department = %s
    """
    with transaction() as connection:
        return entity, read_frame(connection, query, [department, department]), said


def frame(path: Path) -> pd.DataFrame:
    """Read a file as text; an empty cell is an empty text."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).astype("string").fillna("").astype(object)
    return pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)


def wrong_cells(dirty: pd.DataFrame, clean: pd.DataFrame, entity: Entity) -> pd.DataFrame:
    """The cells that differ: row_number (1-based data row) and field (the contract's name)."""
    if dirty.shape != clean.shape:
        raise SystemExit(f"The files differ in shape: {dirty.shape} and {clean.shape}.")
    names = {name: column.name for column in entity.columns for name in column.source_names}
    differs = pd.DataFrame(dirty.to_numpy() != clean.to_numpy(), columns=[names.get(c, c) for c in dirty.columns])
    cells = differs.rename_axis("row").stack()
    cells = cells[cells].index.to_frame(index=False, name=["row", "field"])
    return pd.DataFrame({"row_number": cells["row"] + 1, "field": cells["field"], "cells": dirty.size})


def scores(wrong: set, marked: set) -> dict[str, float]:
    """Counts, and the shares of wrong cells that are marked (recall) and of marked ones that are wrong (precision)."""
    found = len(wrong & marked)
    recall, precision = found / max(len(wrong), 1), found / max(len(marked), 1)
    f1 = 2 * recall * precision / (recall + precision) if found else 0.0
    return {
        "wrong": len(wrong),
        "marked": len(marked),
        "found": found,
        "recall": recall,
        "precision": precision,
        "f1": f1,
    }


def report(dirty: Path, wrong: pd.DataFrame, marked: pd.DataFrame, said: str) -> None:
    """Print one line per column and per rule, an example of each rule's sentence, and the JSON line."""
    is_wrong, is_marked = (set(zip(cells["row_number"], cells["field"], strict=True)) for cells in (wrong, marked))
    total = scores(is_wrong, is_marked)
    by_column, by_rule = Table(title=f"Wrong cells of {dirty.name} in {dirty.parent.name}"), Table(title="By check")
    for table, first in ((by_column, "column"), (by_rule, "check")):
        for name in (first, "wrong", "marked", "found", "recall", "precision"):
            table.add_column(name, justify="left" if name == first else "right")
    for field in sorted({field for _, field in is_wrong | is_marked}):
        _line(
            by_column, field, scores(*({cell for cell in cells if cell[1] == field} for cells in (is_wrong, is_marked)))
        )
    _line(by_column, "all", total)
    by_rule.add_column("what a steward reads", overflow="fold")
    for rule, cells in marked.groupby("rule"):
        own = scores(is_wrong, set(zip(cells["row_number"], cells["field"], strict=True)))
        _line(by_rule, str(rule), own, escape(cells["reason"].iloc[0]))
    console.print(by_column)
    console.print(by_rule)
    console.print(f"The gate: {said}")
    share = len(is_wrong) / int(wrong["cells"].iloc[0]) if len(wrong) else 0.0
    load = os.getloadavg()[0]
    console.print(f"{share:.2%} of the cells are wrong. {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
    print(json.dumps({"dirty": f"{dirty.parent.name}/{dirty.name}", "wrong_share": round(share, 4)} | {
        name: round(value, 4) for name, value in total.items()
    }))  # fmt: skip


def _line(table: Table, name: str, own: dict[str, float], *more: str) -> None:
    counts = (f"{own[key]:,}" for key in ("wrong", "marked", "found"))
    table.add_row(name, *counts, f"{own['recall']:.3f}", f"{own['precision']:.3f}", *more)


if __name__ == "__main__":
    main()
