"""Thirty daily runs against one: `python -m bench.identity_days --people N`.

Nordhaus is played for its whole history. Descriptions of its accounts and contacts, each known from the day on which it
was told, are resolved as the platform does it (`ml.identity.resolve`, embedded PostgreSQL): once for the day thirty
days before the last, then day by day, and again from nothing for the last day alone. Customers must be the same, row by
row. Then a rule is changed, and who kept the id is counted: customers whose records are the same ones as before, and
all.
"""

import argparse
import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from rich.table import Table

from bench.identity_nordhaus import TOLD, versions
from ml.identity.evaluation import quality
from ml.identity.person_records import load_person_records
from ml.identity.resolve import find, resolve
from runtime import bootstrap, home, postgres
from runtime.progress import console
from runtime.settings import PREFIX, settings
from runtime.warehouse import copy_frame, read_frame, transaction
from simulator.nordhaus import catalogue, company

LAST = catalogue.FIRST_DAY + timedelta(days=catalogue.HISTORY_DAYS - 1)
DAYS = 30
TABLE = """
    create table identity.person_records (
        record_id text primary key, entity_kind text, source_key text, entity_id text, known_date date,
        given_name text, surname text, birth_date date, is_birth_date_verified boolean, email text,
        is_email_verified boolean, phone text, street text, house_number text, postcode text, town text, card_key text
    )
"""
CUSTOMERS = "select entity_kind, source_key, customer_id, is_founder from identity.entity_customers order by 1, 2"
EMPTY = (
    "truncate identity.entity_customers, identity.customer_history, identity.moved_customers, identity.models, "
    "identity.person_edges, identity.person_clusters, identity.person_held, identity.person_suspicious, "
    "identity.person_state"
)


def main() -> None:
    """Play, resolve, compare; print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2_000, help="people of Nordhaus (default: 2,000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cxloop-bench-") as folder, warehouse(Path(folder) / "home"):
        console.print(f"  {given.people:,} people live {catalogue.HISTORY_DAYS} days …")
        company.deliver(Path(folder) / "exports", Path(folder) / "company", LAST, people=given.people)
        records = person_records(versions(Path(folder)))
        results = {"people": given.people, **measure(records, Path(folder) / "person.duckdb")}
    show(results)
    print(json.dumps(results))


@contextmanager
def warehouse(place: Path):
    """A warehouse of its own for the block."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= {"CX_HOME": str(place), "CX_DATASET": "nordhaus"}
    try:
        postgres.start(settings())
        bootstrap.bootstrap(settings())
        yield
    finally:
        postgres.stop(settings())
        home.remove(settings())


def person_records(told: pd.DataFrame) -> pd.DataFrame:
    """Write descriptions as identity.person_records; `person` is the truth."""
    kind = told["entity"].str.split("/", n=1)
    content = told[["entity", *TOLD]].astype(object).where(told.notna(), "~").astype(str).agg("|".join, axis=1)
    return told.assign(
        record_id=[hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in content],
        entity_kind=kind.str[0],
        source_key=kind.str[1],
        entity_id=told["entity"],
        is_birth_date_verified=False,
        is_email_verified=False,
        card_key=told["card"],
    )


def measure(records: pd.DataFrame, file: Path) -> dict:
    """Resolve day by day and at once; give the figures."""
    names = [line.split()[0] for line in TABLE.split("(", 1)[1].replace("\n", " ").split(",")]
    with transaction() as connection:
        run(connection, TABLE)
        copy_frame(connection, records, "identity.person_records", names)
    console.print(f"  {len(records):,} descriptions, {DAYS + 1} days …")
    seconds = [timed(LAST - timedelta(days=DAYS - number), file) for number in range(DAYS + 1)]
    grown, moved = answer(CUSTOMERS), answer("select count(distinct customer_id) from identity.moved_customers")
    with transaction() as connection:
        run(connection, EMPTY)
    full = timed(LAST, None)
    rebuilt = answer(CUSTOMERS)
    differing = pd.concat([grown, rebuilt]).drop_duplicates(keep=False)
    people = records.drop_duplicates("entity_id").set_index("entity_id")["person"]
    entity = rebuilt["entity_kind"] + "/" + rebuilt["source_key"]
    seen = asdict(quality(rebuilt["customer_id"], entity.map(people)))
    return {
        "entities": len(rebuilt),
        "rows_that_differ": len(differing),
        "customers_moved_in_30_days": int(moved.iloc[0, 0]),
        **{name: round(value, 4) for name, value in seen.items()},
        "full_build_seconds": round(full, 1),
        "day_seconds": round(statistics.median(seconds[1:]), 1),
        **changed_rule(rebuilt),
    }


def changed_rule(before: pd.DataFrame) -> dict:
    """Try the rules without the one on e-mails and with a dearer false merge: who keeps the id?"""
    how = load_person_records()
    fewer = replace(how.mapping, rules=how.mapping.rules[1:])
    tried = replace(how, mapping=fewer, false_merge_costs=2 * how.false_merge_costs)
    with transaction() as connection:
        after = find(connection, LAST, tried)
    both = before.merge(after, on=["entity_kind", "source_key"], suffixes=("_before", "_after"))
    both["entity"] = both["entity_kind"] + "/" + both["source_key"]
    told = [both.groupby(f"customer_id_{when}")["entity"].transform(lambda each: "|".join(sorted(each))) for when in
            ("before", "after")]  # fmt: skip
    unaffected = both[told[0] == told[1]]
    kept = both["customer_id_before"] == both["customer_id_after"]
    return {
        "unaffected_who_keep_their_id": round(float(kept[unaffected.index].mean()), 4),
        "all_who_keep_their_id": round(float(kept.mean()), 4),
    }


def timed(as_of: date, file: Path | None) -> float:
    """Resolve a day; give the seconds."""
    begun = time.perf_counter()
    with transaction() as connection:
        resolve(connection, as_of, file)
    return time.perf_counter() - begun


def answer(query: str) -> pd.DataFrame:
    """Read a query."""
    with transaction() as connection:
        return read_frame(connection, query)


def run(connection, statement: str) -> None:
    """Execute a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def show(results: dict) -> None:
    """Print the figures."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{DAYS} days one by one and at once, {machine}", width=80)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in results.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)


if __name__ == "__main__":
    main()
