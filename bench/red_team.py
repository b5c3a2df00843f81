"""Break every department in turn and look at the decisions: `python -m bench.red_team [--people N] [--ways N]`.

Nordhaus is landed, built, trained and published up to a Thursday. Then the Friday is built again and again from there:
once as it should be, and once for each way in `bench/planted/ways.py`, through the raw gates, the warehouse (without
dbt's data tests), its gates, the scores, the decisions and their publication. A row per way tells which gate spoke, how
many rows were set aside, whether the day was published, for how many customers the action changed and for how many of
these it became more careful (no action, or none that sells), and how many were published *wrongly*: an action that the
whole data of the day does not allow for this customer. Two readers poll `marts` and `activation` all the time and count
errors and mixtures of two days.
"""

import argparse
import json
import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pandas as pd
import psycopg2
from psycopg2 import sql
from rich.table import Table

from activation.publish import publish
from bench.nordhaus.readers import Readers
from bench.nordhaus.walk import LAST as LAST_PLAYED
from bench.nordhaus.walk import build_day, company, land_day, timed
from bench.planted.ways import WAYS, Way
from expectations.gate import run_gate
from ml.intent.promote import promote_intent
from ml.intent.score import score_intent
from ml.intent.train import train_intent
from ml.nba.decide import decide
from ml.nba.promote import promote_response
from ml.nba.train import train_response
from runtime import bootstrap, demo_company, postgres
from runtime.progress import console
from runtime.settings import Settings
from runtime.warehouse import DATABASE, read_frame, transaction

# The last Friday: on Sundays the branches are closed, and nobody would miss their files.
LAST = LAST_PLAYED - timedelta(days=(LAST_PLAYED.weekday() - 4) % 7)
BEFORE = LAST - timedelta(days=1)
KEPT = ("cxloop_before", "shop_after")  # databases to begin each way with
FILES = ("exports", "dlt", "identity")
CHOSEN = "select customer_id, action_id from activation.next_best_actions where rank = 1"
ALLOWED = """
    select ledger.customer_id, candidate ->> 'action_id' as action_id
    from decisions.standing_decisions as ledger
    cross join lateral jsonb_array_elements(ledger.candidates::jsonb) as candidate
    where ledger.as_of_date = %s and (candidate ->> 'is_eligible')::boolean
"""
SPOKE = """
    select distinct severity = 'critical' as stops, gate || ' ' || expectation as what from quality.gate_results
    where as_of = %s and not success order by 1 desc, 2
"""
SET_ASIDE = "select count(*) from quarantine.rejected_rows where as_of = %s"
LIVE = "select max(as_of_date), count(distinct as_of_date) from activation.next_best_actions"


@dataclass
class Seen:
    """What became of a way."""

    name: str
    stopped: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    set_aside: int = 0
    stopped_at: str = ""
    is_published: bool = False
    changed: int = 0
    more_careful: int = 0
    wrong: int = 0
    polls: int = 0
    reader_errors: int = 0


def main() -> None:
    """Prepare, break, look; print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300, help="people of Nordhaus (default: 300)")
    parser.add_argument("--ways", type=int, default=len(WAYS), help=f"how many of the {len(WAYS)} ways (default: all)")
    parser.add_argument("--only", help="only ways whose name has a match of this regular expression")
    given = parser.parse_args()
    ways = [way for way in WAYS if re.search(given.only or "", way.name)][: given.ways]
    with (
        tempfile.TemporaryDirectory(prefix="cxloop-red-team-") as folder,
        company(Path(folder) / "home", given.people) as at,
    ):
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        os.chdir(folder)
        prepare(at)
        sound = walk(at, Way("as it should be", ""))
        allowed, chosen = read(ALLOWED, LAST), read(CHOSEN)
        seen = [sound, *(compare(walk(at, way), sound, chosen, allowed) for way in ways)]
    show(seen, len(chosen))


def prepare(at: Settings) -> None:
    """Live, build, train and publish up to the day before; then let the last day come and keep all of it."""
    land_day(at, BEFORE, is_strict=False)
    build_day(BEFORE)
    timed(
        BEFORE,
        train=lambda: [do(BEFORE) for do in (train_intent, promote_intent, train_response, promote_response)],
        decide=lambda: choose(),
    )
    demo_company.play_company(at, LAST)
    for name in FILES:
        if (at.home / name).exists():
            shutil.copytree(at.home / name, at.home / "kept" / name)
    for kept, name in zip(KEPT, (DATABASE, demo_company.DATABASE), strict=True):
        copy_database(at, name, kept)


def choose(day=BEFORE) -> None:
    """Score, decide, check and publish a day."""
    score_intent(day)
    decide(day)
    run_gate("scores.decisions", day)
    publish(day)


def walk(at: Settings, way: Way) -> Seen:
    """Build the last day, broken in one way; stop where a gate or a task stops it, as the DAGs do."""
    seen = Seen(way.name)
    restore(at)
    way.damage_files(at.home / "exports", LAST)
    if way.shop:
        with (
            psycopg2.connect(demo_company.shop_url(at, demo_company.OWNER)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(way.shop, {"day": LAST})
        connection.close()
    if way.unreachable:
        os.environ[way.unreachable] = "http://127.0.0.1:9" if "API" in way.unreachable else "postgresql://127.0.0.1:9/x"
    with Readers() as readers:
        try:
            land_day(at, LAST, is_strict=False, is_played=False)
            build_day(LAST, is_tested=False)
            choose(LAST)
        except Exception as stopped:  # noqa: BLE001 any error stops a day; which one is what is looked for
            seen.stopped_at = str(stopped).splitlines()[0][:100]
        finally:
            os.environ.pop(way.unreachable, None)
    seen.polls, seen.reader_errors = readers.polls, len(readers.errors)
    with transaction() as connection, connection.cursor() as cursor:
        cursor.execute(SPOKE, (LAST,))
        for stops, what in cursor.fetchall():
            (seen.stopped if stops else seen.warned).append(what)
        cursor.execute(SET_ASIDE, (LAST,))
        (seen.set_aside,) = cursor.fetchone()
        cursor.execute(LIVE)
        live, days = cursor.fetchone()
        seen.is_published = live == LAST and days == 1
    return seen


def compare(seen: Seen, sound: Seen, chosen: pd.DataFrame, allowed: pd.DataFrame) -> Seen:
    """Count whose action changed, and whose action the sound day does not allow; nothing if the day before is live."""
    seen.stopped = [what for what in seen.stopped if what not in sound.stopped]
    seen.warned = [what for what in seen.warned if what not in sound.warned]
    seen.set_aside -= sound.set_aside
    if not seen.is_published:
        console.print(f"  {seen}")
        return seen
    both = read(CHOSEN).merge(chosen, on="customer_id", how="left", suffixes=("", "_sound"))
    differs = both[both["action_id"] != both["action_id_sound"]]
    seen.changed = len(differs)
    seen.more_careful = int((differs["action_id"] == "no_action").sum())
    known = differs.merge(allowed, on=["customer_id", "action_id"], how="left", indicator=True)
    seen.wrong = int(((known["_merge"] == "left_only") & (known["action_id"] != "no_action")).sum())
    console.print(f"  {seen}")
    return seen


def restore(at: Settings) -> None:
    """Go back to where each way begins: the databases, the exports, and what landing and identity keep beside them."""
    for kept, name in zip(KEPT, (DATABASE, demo_company.DATABASE), strict=True):
        copy_database(at, kept, name)
    for name in FILES:
        with suppress(FileNotFoundError):
            shutil.rmtree(at.home / name)
        if (at.home / "kept" / name).exists():
            shutil.copytree(at.home / "kept" / name, at.home / name)
    bootstrap.bootstrap(at)
    demo_company.open_company(at)


def copy_database(at: Settings, source: str, copy: str) -> None:
    """Make a database anew as a copy of another one."""
    admin = postgres.admin_connection(at)
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(
            "select rolname from pg_database join pg_roles r on r.oid = datdba where datname = %s", (source,)
        )
        (owner,) = cursor.fetchone()
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (source,))
        names = {"copy": sql.Identifier(copy), "source": sql.Identifier(source), "owner": sql.Identifier(owner)}
        cursor.execute(sql.SQL("drop database if exists {copy} with (force)").format(**names))
        cursor.execute(sql.SQL("create database {copy} template {source} owner {owner}").format(**names))
    admin.close()


def read(query: str, *parameters: object) -> pd.DataFrame:
    """Read a query's rows."""
    with transaction() as connection:
        return read_frame(connection, query, parameters)


def show(seen: list[Seen], customers: int) -> None:
    """Print a line per way and the JSON line."""
    table = Table(title=f"{len(seen) - 1} ways to break a day, {customers:,} customers; beyond the sound day")
    for title in ("way", "gate that spoke", "set aside", "the day", "changed", "to no action", "wrongly", "polls"):
        table.add_column(title, justify="left" if title in ("way", "gate that spoke", "the day") else "right")
    for one in seen:
        day = "published" if one.is_published else f"yesterday's stays: {one.stopped_at}"
        said = [*one.stopped, *(f"({what})" for what in one.warned)]
        numbers = (one.changed, one.more_careful, one.wrong)
        polls = f"{one.polls} ({one.reader_errors} bad)"
        table.add_row(one.name, "\n".join(said), f"{one.set_aside:,}", day, *map(str, numbers), polls)
    console.print(table)
    broken = seen[1:]
    unnoticed = [one.name for one in broken if not (one.stopped or one.warned or one.stopped_at or one.set_aside)]
    counts = {
        "ways": len(broken),
        "stopped": sum(bool(one.stopped or one.stopped_at) for one in broken),
        "noticed": len(broken) - len(unnoticed),
        "published_wrongly": sum(one.wrong for one in broken),
        "polls": sum(one.polls for one in seen),
        "reader_errors": sum(one.reader_errors for one in seen),
        "unnoticed": unnoticed,
    }
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
