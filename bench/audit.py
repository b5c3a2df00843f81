"""Decide, then question every decision: `python -m bench.audit [--decisions 20000] [--a-day 4000]`.

A planted population (`bench/planted/population.py`) is decided about day after day by the platform's own code: the
champion from the registry, policies, consents, complaints, contact limits, capacities, arms, SquareCB, the ledger. What
is decided is carried out, so that it counts against the contact limits of the days after. Then the gate
`scores.decisions` audits each day by SQL that shares nothing with the code that decided: policies, limits, consents,
capacities, ramps, arms, propensities in closed form, and the choice that follows from the number drawn. Beside it the
contacts are counted over all days. `violations` must be 0; `--decisions 1000000` is the aim of the project.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from bench.planted.population import FIRST_DAY, carry_out, come, planted
from expectations.gate import GateResult, evaluate, gate_transaction
from ml.nba.decide import decide
from runtime import warehouse
from runtime.progress import console

GATE = "scores.decisions"
# A contact on the day after the decision, and all before it that its window holds.
OVER_ALL_DAYS = """
    with made as (
        select d.customer_id, d.channel, d.as_of_date + 1 as contact_date, l.window_days, l.maximum_contacts
        from decisions.standing_decisions d
        join vocabulary.contact_limits l on l.channel = d.channel
        where d.action_id <> 'no_action'
    )
    select count(*) from (
        select from made m
        join planted.contacts c on c.customer_id = m.customer_id and c.channel = m.channel
            and c.contact_date > m.contact_date - m.window_days and c.contact_date <= m.contact_date
        group by m.customer_id, m.channel, m.contact_date, m.window_days, m.maximum_contacts
        having count(*) > m.maximum_contacts
    ) exceeded
"""
COUNTS = """
    select count(*) as decisions, sum(jsonb_array_length(candidates)) as candidates,
        count(*) filter (where action_id <> 'no_action') as contacts, count(distinct as_of_date) as days,
        count(*) filter (where exploration ->> 'method' = 'rationed squarecb') as rationed,
        count(*) filter (where propensity < 0.5) as explored
    from decisions.standing_decisions
"""
DROPPED = """
    select c.dropped_by, count(*) from decisions.standing_decisions d
    cross join lateral jsonb_to_recordset(d.candidates) c (dropped_by text)
    where c.dropped_by is not null group by 1 order by 2 desc
"""


def main() -> None:
    """Decide, audit, print the table and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=20_000, help="at least so many (default: 20000)")
    parser.add_argument("--a-day", type=int, help="customers, decided about each day (default: a fifth)")
    given = parser.parse_args()
    customers = given.a_day or max(given.decisions // 5, 1)
    days = [FIRST_DAY + timedelta(days=number) for number in range(-(-given.decisions // customers))]
    with (
        tempfile.TemporaryDirectory(prefix="cxloop-audit-") as folder,
        planted(Path(folder), customers, len(days)),
        Progress(console=console) as progress,
    ):
        begun = time.monotonic()
        shown = progress.add_task("deciding", total=len(days))
        live(days, lambda: progress.advance(shown))
        decided = time.monotonic()
        shown = progress.add_task("auditing", total=len(days))
        results = [audited(day, lambda: progress.advance(shown)) for day in days]
        beyond = look(OVER_ALL_DAYS)[0][0]
        seconds = {"deciding_seconds": decided - begun, "auditing_seconds": time.monotonic() - decided}
        counts = dict(zip(("decisions", "candidates", "contacts", "days", "rationed", "explored"), look(COUNTS)[0],
                          strict=True))  # fmt: skip
        dropped = dict(look(DROPPED))
    show(results, beyond, {name: int(value) for name, value in counts.items()}, dropped, seconds)


def live(days: list[date], advance: Callable[[], None] = lambda: None) -> None:
    """Let the days come, decide about everybody, and carry it out."""
    for day in days:
        come(day)
        decide(day)
        carry_out(day)
        advance()


def audited(day: date, advance: Callable[[], None] = lambda: None) -> GateResult:
    """Return what the gate on decisions says of a day, whatever it is."""
    with gate_transaction() as (alchemy, connection):
        result = evaluate(GATE, day, alchemy, connection)
    advance()
    return result


def look(query: str) -> list[tuple]:
    """Read rows."""
    with warehouse.transaction() as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def show(results: list[GateResult], beyond: int, counts: dict, dropped: dict, seconds: dict) -> None:
    """Print a line per critical rule, and the JSON line."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    table = Table(title=f"{counts['decisions']:,} decisions, {counts['candidates']:,} candidates; {machine}")
    for title in ("rule", "days it holds", "days broken"):
        table.add_column(title, justify="left" if title == "rule" else "right")
    rules = [finding.expectation for finding in results[0].findings if finding.severity == "critical"]
    broken = {rule: 0 for rule in rules}
    for result in results:
        for finding in result.failures("critical"):
            broken[finding.expectation] += 1
            console.print(f"[red]{result.as_of}: {finding.message}")
    for rule in rules:
        table.add_row(rule, str(len(results) - broken[rule]), str(broken[rule]))
    table.add_row("contact_limits_over_all_days", "" if beyond else "all", f"{beyond} contacts" if beyond else "0")
    console.print(table)
    found = {
        **counts,
        "violations": sum(broken.values()) + beyond,
        "broken": {rule: days for rule, days in broken.items() if days},
        "contacts_beyond_limits": beyond,
        "dropped_by": dropped,
        **{name: round(value, 1) for name, value in seconds.items()},
    }
    for name in ("contacts", "rationed", "explored", "dropped_by", *seconds):
        console.print(f"  {name}: {found[name]}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
